"""What is said of a jail; that a real one holds or not, tests/sandbox and the tests of the command show."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from protocol.examination import Check, Condition
from sandbox.isolation import InProcess, Jail
from sandbox.jail.confinement import Confinement
from sandbox.worker.zygote_client import Zygote
from verifier.machine import jail as machine_jail

WHOLE = Confinement(("ipc", "pid", "net"), 5, 65534)


def layered(confinement: Confinement) -> Callable[[str, Zygote], bool]:
    """The kernel ends every worker, and each had these layers."""

    def is_ended_for(attempt: str, zygote: Zygote) -> bool:
        zygote.confinement = confinement
        return True

    return is_ended_for


@pytest.mark.slow
@pytest.mark.parametrize(
    ("confinement", "missing"),
    [
        (WHOLE, ()),
        (Confinement(WHOLE.namespaces, 0, 1000), ("Landlock (Linux 5.13",)),
        (Confinement((), 5, 0), ("namespaces of its own (allow user",)),
        (Confinement((), 0, 0), ("Landlock (Linux 5.13", "namespaces of its own (allow user")),
    ],
)
def test_layers_that_it_can_do_without_are_named_where_they_are_missing(
    confinement: Confinement, missing: tuple[str, ...], jail: Jail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_jail, "is_ended_for", layered(confinement))
    found = machine_jail.examine(jail)
    assert (found.check, found.condition) == (Check.JAIL, Condition.WARNING if missing else Condition.OK)
    assert dict(found.measured) == confinement.describe()
    held, _, without = found.detail.partition("; without ")
    assert held == f"holds; {', '.join(f'{name} {layer}' for name, layer in confinement.describe().items())}"
    assert len(without.split(" and ")) == max(1, len(missing))
    assert all(name in without for name in missing)


@pytest.mark.slow
def test_a_dialect_that_takes_imports_does_not_hold(jail: Jail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_jail, "is_ended_for", layered(WHOLE))
    monkeypatch.setattr(jail, "check", lambda source, name: None)
    found = machine_jail.examine(jail)
    assert found.condition is Condition.FAILED
    assert found.detail.startswith("does not hold: a jailed worker may have a module that imports os; run no module")


def test_without_isolation_there_is_none() -> None:
    found = machine_jail.examine(InProcess())
    assert (found.condition, dict(found.measured)) == (Condition.WARNING, {"isolation": "none"})
    assert "only for code that you trust" in found.detail
