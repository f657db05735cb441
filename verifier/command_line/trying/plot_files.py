"""Files for pictures: PNG, or HTML with the PNG and its numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from verifier.challenge.errors import InputError
from verifier.command_line.files import require_writable, write_file
from verifier.experiments.plots.library import load_matplotlib
from verifier.experiments.plots.page import page


@dataclass(frozen=True)
class Picture:
    """A PNG, and what is said about it where it is part of a page."""

    title: str
    png: bytes
    alternative: str
    """For who cannot see it."""
    caption: str
    tables: Sequence[Sequence[Mapping[str, str]]]
    """The rows of each; the names are the columns."""
    texts: Collection[str]
    """The columns that are no numbers."""


def require_drawing(path: Path) -> None:
    """Refuse a picture that could not be drawn or written, before anything is computed. Raises InputError."""
    if path.suffix not in (".png", ".html"):
        raise InputError(f"{path}: a picture is a .png or a .html file; end the name so")
    require_writable(path.parent)
    try:
        load_matplotlib()
    except ImportError:
        problem = "pictures need matplotlib, which is not installed: pip install 'tig-verify[plots]'"
        raise InputError(problem) from None


def write_picture(path: Path, picture: Picture) -> None:
    """Write it as its name says."""
    if path.suffix == ".png":
        write_file(path, picture.png)
    else:
        html = page(picture.title, picture.png, picture.alternative, picture.caption, picture.tables, picture.texts)
        write_file(path, html.encode())
