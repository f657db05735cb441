"""A module with a table of values: the dialect takes it, it trains as with overrides, and benchmarkers keep theirs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from protocol.hashes import blake3_digest
from sandbox.isolation import InProcess
from tests.support.folders import FIXTURES
from tests.support.small_contest import SETTINGS, module, task
from verifier.challenge.errors import InputError
from verifier.challenge.module import Module
from verifier.challenge.session import Session
from verifier.challenge.solving import Solved, solve
from verifier.experiments.tuning.tuned_module import require_tunable, tuned_module

OPTIMISERS = sorted((FIXTURES / "optimisers").glob("*.py"))
SOURCE = module("-state['lr'] * gradient, state", state="{**hyperparameters, 'name': hyperparameters['name']}").replace(
    b'{"lr": 0.05}', b'{"lr": 0.05, "name": "a", "other": None}'
)


@pytest.mark.parametrize("path", OPTIMISERS, ids=lambda path: path.stem)
def test_the_dialect_takes_every_reference_optimiser_with_a_table(path: Path) -> None:
    source = path.read_bytes()
    declared = InProcess().declaration(source, path.name).values
    require_tunable(source, path.name)
    tuned = tuned_module(source, {"n_hidden=4": declared, "n_hidden=4,n_data=1024": declared})
    assert InProcess().declaration(tuned, path.name).values == declared
    renamed = tuned[: len(source)].replace(b"untuned_state", b"init_optimiser_state")
    assert source.startswith(renamed[: len(source) - 20])


def test_values_of_every_kind_are_written_as_they_are() -> None:
    values: dict[str, Any] = {
        "lr": 1e-05, "steps": -3, "no": None, "fast": True, "text": 'a"\\\u00e9\n', "many": 123456789.25, "x": "y" * 60,
    }  # fmt: skip
    tuned = tuned_module(SOURCE, {"n_hidden=1": {"lr": 0.25}, "n_hidden=2": values}).decode()
    assert max(map(len, tuned.splitlines())) <= 120
    assert '    "n_hidden=1": {"lr": 0.25},\n    "n_hidden=2": {\n        "lr": 1e-05,\n' in tuned
    scope: dict[str, Any] = {}
    exec(tuned.partition("import torch")[2], scope)
    assert scope["TUNED"] == {"n_hidden=1": {"lr": 0.25}, "n_hidden=2": values}


def losses(source: bytes, track: str = "n_hidden=1", **overrides: Any) -> Solved:
    made = task(source, **overrides)
    made = replace(made, settings=replace(SETTINGS, track_id=track))
    return solve(Session(made, 7, Module("small.py", source), InProcess()))


@pytest.mark.slow
def test_a_tuned_module_trains_as_the_module_does_with_the_values() -> None:
    values: dict[str, Any] = {"lr": 0.011, "name": "b"}
    tuned = tuned_module(SOURCE, {"n_hidden=1": values, "n_hidden=2": {"lr": 0.5}})
    pairs = [
        (losses(tuned), losses(SOURCE, **values)),
        (losses(tuned, track="n_hidden=2"), losses(SOURCE, track="n_hidden=2", lr=0.5)),
        (losses(tuned, track="n_hidden=3"), losses(SOURCE, track="n_hidden=3")),
        (losses(tuned, lr=0.07), losses(SOURCE, lr=0.07, name="b")),
    ]
    for one, other in pairs:
        assert one.training.validation_losses == other.training.validation_losses
        assert one.score.quality == other.score.quality
    assert len({str(one.training.validation_losses) for one, _ in pairs}) == len(pairs)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            tuned_module(SOURCE, {"n_hidden=1": {"lr": 0.1}}),
            "m.py: has the name TUNED or untuned_state, which the table",
        ),
        (SOURCE.replace(b"def init", b"untuned_state = 1\ndef init"), "m.py: has the name TUNED or untuned_state"),
        (SOURCE.replace(b"def init", b"def other"), "m.py: write `def init_optimiser_state(` once, in one line"),
        (SOURCE + b'"""\ndef init_optimiser_state(\n"""\n', "m.py: write `def init_optimiser_state(` once"),
        (SOURCE.replace(b"def init", b"def \\\n init"), "m.py: write `def init_optimiser_state(` once"),
    ],
)
def test_a_module_that_gets_no_table_is_refused(source: bytes, message: str) -> None:
    with pytest.raises(InputError) as refusal:
        require_tunable(source, "m.py")
    assert str(refusal.value).startswith(message)


@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n\n", b"\n# the end"])
def test_the_end_of_the_file_may_be_any(end: bytes) -> None:
    source = SOURCE.rstrip(b"\n") + end
    tuned = tuned_module(source, {"n_hidden=1": {"lr": 0.1}})
    InProcess().check(tuned, "m.py")
    assert b"\n\n\n# Found by `tig-verify tune`" in tuned
    assert blake3_digest(tuned) == blake3_digest(tuned_module(source, {"n_hidden=1": {"lr": 0.1}}))
