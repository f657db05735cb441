"""Other installations of the toolkit: this one, but for some files that are found before its own."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.folders import ROOT


def install(folder: Path, files: Mapping[str, str]) -> Path:
    """An environment with these files among its libraries; its Python.

    Every process of the toolkit gets them, a zygote too, which looks at no variable of the environment. One that is
    called at_start.py is executed by each; a sitecustomize.py would come behind that of Debian's Python.
    """
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    libraries = folder / "lib" / version / "site-packages"
    for name, text in files.items():
        path = libraries / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    at_start = "import at_start\n" if "at_start.py" in files else ""
    (libraries / "rest.pth").write_text(f"{sysconfig.get_path('purelib')}\n{ROOT}\n{at_start}")
    return python


def call(
    python: Path | str, arguments: Sequence[object], before: Sequence[str] = (), **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a command of the toolkit there, perhaps by a program that then executes it."""
    return subprocess.run(
        [*before, str(python), "-P", "-m", "verifier.command_line.main", *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False, env={**os.environ, **variables},
    )  # fmt: skip
