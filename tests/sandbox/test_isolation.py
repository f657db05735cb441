"""A module runs where programs are executed as the specification says, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from arithmetic.errors import MachineError
from sandbox.execution import self_test
from sandbox.isolation import InProcess, Isolation, Jail
from tests.support.sample_optimisers import assignment, module


@pytest.fixture
def _anew() -> Iterator[None]:
    """The self-test of this process is to be taken again, and after the test once more."""
    self_test.require_sound.cache_clear()
    yield
    self_test.require_sound.cache_clear()


@pytest.mark.usefixtures("_anew")
@pytest.mark.parametrize("place", [InProcess(), Jail()], ids=["in process", "jailed"])
def test_nothing_is_executed_where_it_would_be_wrong(place: Isolation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_test._ELEMENTWISE, "add", lambda a, _: a)
    with pytest.raises(MachineError, match="elementwise operations give other bits"):
        place.start(assignment(module()))


@pytest.mark.slow
def test_a_prepared_jail_has_its_zygote() -> None:
    with Jail() as own:
        own.prepare()
        begun = own._zygote
        own.prepare()
        assert begun is own.zygote is not None
