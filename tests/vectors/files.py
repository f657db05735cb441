"""The vectors by which another implementation checks each step: see docs/implementing.md.

python -m tests.vectors.files fill [NAME ..]     writes fixtures/vectors/NAME.json anew (say why in the changelog)
python -m tests.vectors.files check [NAME ..]    computes all and compares; the test suite does the same
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tests.support.folders import VECTORS
from tests.vectors import fuel, numbers, passes, programs, scores, transcript
from tests.vectors.texts import written

FILES: Final[dict[str, Callable[[], dict[str, Any]]]] = {
    "numbers": numbers.vectors,
    "passes": passes.vectors,
    "fuel": fuel.vectors,
    "transcript": transcript.vectors,
    "scores": scores.vectors,
    "programs": programs.vectors,
}


def path(name: str) -> Path:
    """Where a file is."""
    return VECTORS / f"{name}.json"


def recorded(name: str) -> Any:
    """What a file holds."""
    return json.loads(path(name).read_text(encoding="utf-8"))


def main() -> int:
    """The two commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("fill", "check"))
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"all without one; {', '.join(FILES)}")
    options = parser.parse_args()
    names = options.names or list(FILES)
    if unknown := [name for name in names if name not in FILES]:
        parser.error(f"there is no file of vectors {unknown[0]!r}; there are {', '.join(FILES)}")
    wrong = 0
    for name in names:
        text = written(FILES[name]()) + "\n"
        if options.command == "fill":
            path(name).write_text(text, encoding="utf-8")
        elif not path(name).exists() or path(name).read_text(encoding="utf-8") != text:
            wrong += 1
            print(f"{name}.json differs")
    if options.command == "check" and not wrong:
        print(f"{len(names)} files of vectors agree")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
