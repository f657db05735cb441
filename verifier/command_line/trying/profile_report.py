"""A profile as tables, as JSON, and as the rows of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from protocol.task import Task
from sandbox.meter import CALL_BYTES, CALL_FUEL, CALL_OBJECT_BYTES
from sandbox.profiler import Cost
from verifier.challenge.editions import Edition
from verifier.command_line.options.nonces_option import nonces_text
from verifier.command_line.text_table import number_text, text_table
from verifier.experiments.profile import MEASURES, End, LineCost, Part, Profile

_MIB: Final = 2**20
_LEAST: Final = 0.001
"""A line with a smaller share is not shown."""
_TEXTS: Final = ("source", "function", "entry")
_LEAST_WIDTH: Final = 72
_MILLION: Final = 10**6


@dataclass(frozen=True)
class Profiled:
    """A profile, and what it is of."""

    file: str
    optimiser: str
    """The short name of the module."""
    task: Task
    edition: Edition
    nonces: Sequence[int]
    profile: Profile


def as_text(profiled: Profiled, by: str, most: int, width: int) -> list[str]:
    """For a terminal that is so wide: each part with its dearest lines first, at most so many; means of a step."""
    profile = profiled.profile
    blocks = [
        [title(profiled), *(_end(nonce, end) for nonce, end in profile.ends.items())],
        [f"Each step: {_cost_text(profile.stepping.total, profile.steps)}"],
        _cut(text_table(line_rows(profile.stepping, profile.steps, by, most), _TEXTS), width),
        _functions(profile) if len(profile.stepping.functions) > 1 else [],
        _state(profile),
        [f"Before the first epoch: {_cost_text(profile.preparation.total, profile.trainings)}"],
        _cut(text_table(line_rows(profile.preparation, profile.trainings, by, most), _TEXTS), width),
        _limits(profiled),
    ]
    return [line for block in blocks if block for line in (*block, "")][:-1]


def line_rows(part: Part, times: int, by: str, most: int) -> list[dict[str, str]]:
    """The dearest lines with the means over so many times, and a row for all others together."""
    measure = MEASURES[by]
    whole = measure(part.total) or 1.0
    dearest = sorted(part.lines, key=lambda each: -measure(each.cost))
    shown = [each for each in dearest[:most] if measure(each.cost) / whole >= _LEAST]
    others, rest = dearest[len(shown) :], Cost()
    for each in others:
        rest.add(each.cost.fuel, each.cost.memory, each.cost.seconds)
    if others:
        shown.append(LineCost(None, "", f"({len(others)} more)", rest))
    return [_row(each, times, measure(each.cost) / whole) for each in shown]


def as_json(profiled: Profiled) -> dict[str, object]:
    """All sums, of all lines and functions."""
    task, profile = profiled.task, profiled.profile
    total = [profile.preparation.total, profile.stepping.total]
    return {
        "file": profiled.file,
        "optimiser": profiled.optimiser,
        "optimiser_digest": task.optimiser_digest.hex(),
        "edition": task.edition,
        "track": task.settings.track_id,
        "nonces": list(profiled.nonces),
        "hyperparameters": dict(task.hyperparameters),
        "epochs": profile.epochs,
        "steps": profile.steps,
        "fuel_budget": task.fuel_budget,
        "fuel_used": sum(each.fuel for each in total),
        "seconds": sum(each.seconds for each in total),
        "ended_early": [{"nonce": nonce, **asdict(end)} for nonce, end in profile.ends.items()],
        "preparation": _part_as_json(profile.preparation),
        "stepping": _part_as_json(profile.stepping),
        "state": {
            "parts": profile.state.parts,
            "bytes": profile.state.bytes,
            "fuel": profile.state.fuel,
            "digests": profile.digests.times,
            "digest_seconds": profile.digests.seconds,
            "entries": [
                {"key": key, "parts": size.parts, "bytes": size.bytes, "fuel": size.fuel}
                for key, size in profile.entries.items()
            ],
        },
    }


def title(profiled: Profiled) -> str:
    """The module, and the trainings that were watched."""
    profile, nonces = profiled.profile, nonces_text(profiled.nonces)
    where = f"{profiled.task.settings.track_id}, {profiled.task.edition}"
    counts = [_count(number, what) for number, what in ((profile.epochs, "epoch"), (profile.steps, "step"))]
    return f"{profiled.file}: {where}, nonce{'s' * (profile.trainings > 1)} {nonces}, {', '.join(counts)}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _cost_text(cost: Cost, times: int) -> str:
    each = _means(cost, times)
    return f"{each['fuel']} units of fuel, {each['MiB']} MiB, {each['ms']} ms"


def _end(nonce: int, end: End) -> str:
    return f"nonce {nonce} ended early: {end.stop_reason}: {end.explanation}"


def _cut(lines: Sequence[str], width: int) -> list[str]:
    width = max(width, _LEAST_WIDTH)
    return [line if len(line) <= width else f"{line[: width - 3]}..." for line in lines]


def _row(each: LineCost, times: int, share: float) -> dict[str, str]:
    return {
        "share": f"{share:.1%}",
        **_means(each.cost, times),
        "times": number_text(each.cost.times / times) if each.line else "",
        "line": str(each.line or ""),
        "source": each.source,
    }


def _means(cost: Cost, times: int) -> dict[str, str]:
    return {
        "fuel": number_text(cost.fuel / times),
        "MiB": number_text(cost.memory / times / _MIB),
        "ms": number_text(1e3 * cost.seconds / times),
    }


def _functions(profile: Profile) -> list[str]:
    rows = [
        {
            **_means(each.whole, profile.steps),
            "own fuel": number_text(each.own.fuel / profile.steps),
            "own ms": number_text(1e3 * each.own.seconds / profile.steps),
            "calls": number_text(each.whole.times / profile.steps),
            "line": str(each.line),
            "function": each.name,
        }
        for each in sorted(profile.stepping.functions, key=lambda each: -each.whole.fuel)
    ]
    return ["Functions, each step, with those that they call:", *text_table(rows, _TEXTS)]


def _state(profile: Profile) -> list[str]:
    size, digests = profile.state, profile.digests
    milliseconds = number_text(1e3 * digests.seconds / digests.times)
    title = (
        f"The state: {size.parts:,} parts, {size.bytes:,} bytes; to keep or to copy it costs {size.fuel:,} units, its "
        f"digest after each epoch {milliseconds} ms"
    )
    rows = [
        {"parts": f"{each.parts:,}", "bytes": f"{each.bytes:,}", "fuel": number_text(each.fuel), "entry": key}
        for key, each in profile.entries.items()
    ]
    return [title, *(text_table(rows, _TEXTS) if rows else [])]


def _limits(profiled: Profiled) -> list[str]:
    """How near the module is to each limit."""
    profile, edition, budget = profiled.profile, profiled.edition, profiled.task.fuel_budget
    parts = (profile.preparation, profile.stepping)
    shares = [
        _share("the dearest call", max(part.most_fuel for part in parts), CALL_FUEL, "units of fuel"),
        _share("most tensors of a call", max(part.most_tensors for part in parts) / _MIB, CALL_BYTES / _MIB, "MiB"),
        _share("most else of a call", max(part.most_objects for part in parts) / _MIB, CALL_OBJECT_BYTES / _MIB, "MiB"),
    ]
    if not profile.ends:  # else the last step was no usual one
        whole = profile.fuel_of(edition.max_epochs, edition)
        shares.append(_share(f"{edition.max_epochs:,} epochs", whole, budget, "units of fuel"))
        if whole > budget:
            shares.append(f"  so the budget is enough for {profile.epochs_in(edition, budget):,.0f} epochs")
    return ["Limits:", *shares]


def _share(what: str, used: float, limit: float, unit: str) -> str:
    most, percent = f"{limit:,.0f}" if limit < _MILLION else number_text(limit), number_text(100.0 * used / limit)
    return f"  {what}: {number_text(used)} of {most} {unit}, {percent}%"


def _part_as_json(part: Part) -> dict[str, Any]:
    return {
        "fuel": part.total.fuel,
        "seconds": part.total.seconds,
        "most_fuel_of_a_call": part.most_fuel,
        "most_tensor_bytes_of_a_call": part.most_tensors,
        "most_object_bytes_of_a_call": part.most_objects,
        "lines": [_line_as_json(each) for each in part.lines],
        "functions": [
            {"line": each.line, "function": each.name, "own": asdict(each.own), "whole": asdict(each.whole)}
            for each in part.functions
        ],
    }


def _line_as_json(each: LineCost) -> dict[str, object]:
    return {"line": each.line, "function": each.function, "source": each.source, **asdict(each.cost)}
