"""Builds the site of the documents: `make docs`.

In the repository a document links to files of the project, of which the site has none. So the site is built of copies,
in which the file is named instead. A link to a page that is not there, or any other warning, fails.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
DOCS: Final = ROOT / "docs"
PAGES: Final = ROOT / "build" / "pages"
"""The folder of the copies, which `mkdocs.yml` names too."""
_LINK: Final = re.compile(r"\[([^]]*)\]\(([^)\s#]+)(#[^)\s]*)?\)")
_SHOWN: Final = frozenset({".md", ".png"})


def page(text: str, folder: Path) -> str:
    """The text of a document in a folder, with names in place of the links that lead out of the site."""

    def replaced(link: re.Match[str]) -> str:
        said, target = link[1], link[2]
        path = Path(os.path.normpath(folder / target))
        if "://" in target or (path.is_relative_to(DOCS) and path.suffix in _SHOWN):
            return link[0]
        name = str(path.relative_to(ROOT))
        return f"`{name}`" if said.strip("`") in name else f"{said} (`{name}`)"

    return _LINK.sub(replaced, text)


def copy() -> None:
    """Write the pages anew."""
    shutil.rmtree(PAGES, ignore_errors=True)
    for path in DOCS.rglob("*"):
        if path.suffix in _SHOWN:
            copied = PAGES / path.relative_to(DOCS)
            copied.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix == ".md":
                copied.write_text(page(path.read_text("utf-8"), path.parent), "utf-8")
            else:
                shutil.copyfile(path, copied)


def main() -> int:
    """Copy and build; the exit code of the build."""
    copy()
    program = Path(sys.executable).with_name("zensical")
    return subprocess.run([program, "build", "--clean", "--strict"], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
