"""The optimisers of a call that names several, each with overrides of its own: `a.py -p lr=0.01 a.py -p lr=0.02`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from sandbox.errors import ModuleRefused
from sandbox.optimiser import Scalar
from verifier.challenge.errors import InputError
from verifier.challenge.hyperparameters import Hyperparameters
from verifier.challenge.module import Module
from verifier.command_line.files import read_module
from verifier.command_line.names import shown_names
from verifier.command_line.options.choice_options import Hyperparameter
from verifier.command_line.options.execution_options import open_isolation
from verifier.command_line.options.option_groups import option_group
from verifier.command_line.options.overrides import misfits

_SPELLINGS: Final = ("-p", "--hyperparameter")
_PLACES: Final = f"{__name__}.places"


@dataclass(frozen=True)
class Candidate:
    """A module with overrides of its hyperparameters."""

    name: str
    """In tables: that of the file, and the overrides. No two of a call have the same."""
    path: Path
    module: Module
    hyperparameters: Hyperparameters


class CandidatesCommand(click.Command):
    """A command with `candidates_options`: it remembers how many optimisers stand before each override."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words of the call."""
        ctx.meta[_PLACES] = list(self._places(args))
        return super().parse_args(ctx, args)

    def _places(self, words: Sequence[str]) -> Iterator[int]:
        """The optimisers before each override. Words are read as click reads them, which does not tell their order."""
        options = [param for param in self.params if isinstance(param, click.Option)]
        with_value = {spelling for option in options if not option.is_flag for spelling in option.opts}
        optimisers, rest = 0, iter(words)
        for word in rest:
            if word == "--":  # all others are optimisers
                return
            if word in with_value:
                next(rest, None)
            if word in _SPELLINGS or _is_attached(word):
                yield optimisers
            optimisers += not word.startswith("-") or word == "-"


def _is_attached(word: str) -> bool:
    """Whether a word is an override and its value too, as in -plr=0.01."""
    short, long = _SPELLINGS
    return word.startswith(f"{long}=") or (word.startswith(short) and word != short)


def require_trainable(candidates: Sequence[Candidate], isolation: str) -> None:
    """Refuse modules that no training would load, and overrides that they do not have, before the first training.

    Raises InputError with all problems.
    """
    problems: dict[str, None] = {}
    with open_isolation(isolation) as place:
        for each in candidates:
            try:
                declared = place.declaration(each.module.source, str(each.path)).values
            except ModuleRefused as refused:
                problems |= dict.fromkeys(refused.lines)
            else:
                problems |= dict.fromkeys(misfits(each.path, declared, each.hyperparameters))
    if problems:
        raise InputError(*problems)


def _candidates(optimisers: tuple[Path, ...], overrides: tuple[tuple[str, Scalar], ...]) -> list[Candidate]:
    """Raises InputError for overrides that contradict each other, and for two optimisers that are the same."""
    places: Sequence[int] = click.get_current_context().meta[_PLACES]
    placed = list(zip(places, overrides, strict=True))
    common = _of_place(0, "all", placed)
    given = [_together(common | _of_place(place, str(path), placed)) for place, path in enumerate(optimisers, 1)]
    modules = [read_module(path) for path in optimisers]
    names = shown_names(optimisers, list(map(str, given)))
    candidates = list(map(Candidate, names, optimisers, modules, given))
    _require_different(candidates)
    return candidates


def _of_place(place: int, whose: str, placed: Sequence[tuple[int, tuple[str, Scalar]]]) -> dict[str, Scalar]:
    """The overrides that stand behind so many optimisers. Raises InputError for two of one name."""
    found: dict[str, Scalar] = {}
    for name, value in (override for its, override in placed if its == place):
        if name in found:
            raise InputError(f"-p {name}: is there twice for {whose}; to train with both, name the optimiser twice")
        found[name] = value
    return found


def _together(overrides: Mapping[str, Scalar]) -> Hyperparameters:
    try:
        return Hyperparameters(overrides)
    except ValueError as error:
        raise InputError(f"-p: {error}") from None


def _require_different(candidates: Sequence[Candidate]) -> None:
    seen: dict[tuple[bytes, Hyperparameters], Candidate] = {}
    for each in candidates:
        if (other := seen.setdefault((each.module.digest, each.hyperparameters), each)) is not each:
            what = "has the same module and overrides as" if each.hyperparameters else "is the same module as"
            raise InputError(f"{each.path}: {what} {other.path}; name each once, or give them different -p")


candidates_options: Final = option_group(
    "candidates",
    _candidates,
    click.argument("optimisers", nargs=-1, required=True, type=click.Path(path_type=Path)),
    click.option(*_SPELLINGS, "overrides", multiple=True, type=Hyperparameter(),
                 help="Override of the HYPERPARAMETERS of the optimiser before it, or of all, before the first."),
)  # fmt: skip
