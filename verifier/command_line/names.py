"""Names of files as names of optimisers and trainings, for tables and pictures."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_PLAIN: Final = re.compile(r"[A-Za-z0-9./][A-Za-z0-9._/=,+-]{0,99}")
"""One word of ASCII: it can be no sentence, and no picture or terminal takes it for a command."""
_LONGEST: Final = 100
_LONGEST_OVERRIDES: Final = 48


def shown_names(paths: Sequence[Path], overrides: Sequence[str] = ()) -> list[str]:
    """Short names, unless two files share one, each with its overrides, if there are any; all are different.

    Another name than one plain word is in quotes.
    """
    short = [path.stem for path in paths]
    names = [_quoted(name) for name in (short if len(set(short)) == len(set(paths)) else map(str, paths))]
    if overrides:
        names = [f"{name} {_cut(text)}".rstrip() for name, text in zip(names, overrides, strict=True)]
    counts = Counter(names)  # long names may differ only where they are cut
    return [name if counts[name] == 1 else f"{name} ({number})" for number, name in enumerate(names, 1)]


def _cut(overrides: str) -> str:
    return overrides if len(overrides) <= _LONGEST_OVERRIDES else f"{overrides[: _LONGEST_OVERRIDES - 3]}..."


def _quoted(name: str) -> str:
    if _PLAIN.fullmatch(name):
        return name
    text = ascii(name)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 4]}...{text[-1]}"
