"""The network that is trained is the compiled one where it can be, and only while it gives the eager one's bits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from arithmetic.engine_choice import ENGINE_VARIABLE
from arithmetic.errors import MachineError
from tests.support.small_contest import SMALL, instance_id
from verifier.challenge.editions import APRIL_2025, DECEMBER_2025, Edition
from verifier.challenge.network import network_choice
from verifier.challenge.network.eager_network import EagerNetwork, Single
from verifier.challenge.network.network import Batch
from verifier.challenge.network.network_choice import agree, network_for, waits_for_compiler
from verifier.challenge.network.statistics import Statistics

needs_numba = pytest.mark.skipif(
    find_spec("numba") is None, reason="numba is NOT installed: the compiled network is NOT tested"
)
NEEDS = f"{ENGINE_VARIABLE}=int16 needs numba, a folder of yours alone for what it compiles, and an edition whose sums"


class Compiled(EagerNetwork):
    """Stands in for the compiled network."""

    engine = "int16"


class Off(Compiled):
    """One that is a bit off in one result."""

    result: str

    def loss_and_gradient(self, parameters: Single, statistics: Statistics, batch: Batch, gradient: Single) -> float:
        loss = super().loss_and_gradient(parameters, statistics, batch, gradient)
        for name, values in (("gradient", gradient), ("mean", statistics.means), ("variance", statistics.variances)):
            if self.result == name:
                values.flat[-1] = np.nextafter(values.flat[-1], np.float32(np.inf))
        return float(np.nextafter(loss, 0.0)) if self.result == "loss" else loss

    def loss(self, parameters: Single, statistics: Statistics, batch: Batch) -> float:
        loss = super().loss(parameters, statistics, batch)
        return float(np.nextafter(loss, 0.0)) if self.result == "evaluated loss" else loss

    def predict(self, parameters: Single, statistics: Statistics, x: Single) -> Single:
        outputs = super().predict(parameters, statistics, x)
        return -outputs if self.result == "outputs" else outputs


RESULTS = ["loss", "gradient", "mean", "variance", "evaluated loss", "outputs"]


def off(name: str) -> type[Off]:
    return type("OffIn", (Off,), {"result": name})


@pytest.fixture(autouse=True)
def fresh_choice(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine forgets what it chose, before and after a test."""
    monkeypatch.delenv(ENGINE_VARIABLE, raising=False)
    network_choice._compiled.cache_clear()
    yield
    network_choice._compiled.cache_clear()


def compiles(monkeypatch: pytest.MonkeyPatch, network: type[EagerNetwork], is_exact: bool = True) -> list[str]:
    """Let numba give this network, and products that are exact or not; what is imported is noted."""
    imported: list[str] = []

    def module(name: str) -> SimpleNamespace:
        imported.append(name.rpartition(".")[2])
        return SimpleNamespace(CompiledNetwork=network, is_exact=lambda: is_exact)

    monkeypatch.setattr(network_choice, "import_module", module)
    return imported


@needs_numba
@pytest.mark.parametrize("forced", [True, False])
def test_the_compiled_network_is_trained_where_numba_is(monkeypatch: pytest.MonkeyPatch, forced: bool) -> None:
    if forced:
        monkeypatch.setenv(ENGINE_VARIABLE, "int16")
    assert network_for(instance_id()).engine == "int16"


@pytest.mark.parametrize("edition", [SMALL, DECEMBER_2025, *APRIL_2025], ids=lambda edition: edition.n_data)
def test_every_edition_fits_into_the_compiled_network(monkeypatch: pytest.MonkeyPatch, edition: Edition) -> None:
    imported = compiles(monkeypatch, Compiled)
    for _ in range(2):
        network = network_for(instance_id(edition))
        assert isinstance(network, Compiled)
        assert network.architecture.edition is edition
    assert imported == ["compiled_network", "self_test"], "it is tested once"


@pytest.mark.parametrize(
    "edition",
    [replace(SMALL, operand_bits=12), replace(SMALL, width=512), replace(SMALL, train_points=2048)],
    ids=["wide operands", "many terms of a layer", "many terms of a gradient"],
)
def test_the_network_is_eager_where_sums_may_exceed_32_bits(monkeypatch: pytest.MonkeyPatch, edition: Edition) -> None:
    compiles(monkeypatch, Compiled)
    assert type(network_for(instance_id(edition))) is EagerNetwork
    monkeypatch.setenv(ENGINE_VARIABLE, "int16")
    with pytest.raises(MachineError, match=NEEDS):
        network_for(instance_id(edition))


def test_the_environment_forces_the_eager_network(monkeypatch: pytest.MonkeyPatch) -> None:
    imported = compiles(monkeypatch, Compiled)
    monkeypatch.setenv(ENGINE_VARIABLE, "binary64")
    network = network_for(instance_id())
    assert (type(network), network.engine) == (EagerNetwork, "binary64")
    assert imported == []


@pytest.mark.parametrize("name", ["", "eager", "Int16"])
def test_an_unknown_engine_is_an_error(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(ENGINE_VARIABLE, name)
    with pytest.raises(MachineError, match=f"{ENGINE_VARIABLE}='{name}' is not one of"):
        network_for(instance_id())


@pytest.mark.parametrize("error", [ImportError("no numba"), RuntimeError("no locator available for its cache")])
def test_the_network_is_eager_without_numba(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(_: str) -> ModuleType:
        raise error

    monkeypatch.setattr(network_choice, "import_module", fail)
    assert type(network_for(instance_id())) is EagerNetwork
    monkeypatch.setenv(ENGINE_VARIABLE, "int16")
    with pytest.raises(MachineError, match=NEEDS):
        network_for(instance_id())


def test_a_network_agrees_with_itself() -> None:
    assert agree(EagerNetwork, EagerNetwork)


@pytest.mark.parametrize("name", RESULTS)
def test_a_network_that_is_a_bit_off_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert not agree(off(name), EagerNetwork)
    compiles(monkeypatch, off(name))
    for _ in range(2):
        with pytest.raises(MachineError, match=f"set {ENGINE_VARIABLE}=binary64"):
            network_for(instance_id())


def test_a_network_whose_products_are_not_exact_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    compiles(monkeypatch, Compiled, is_exact=False)
    with pytest.raises(MachineError, match=f"set {ENGINE_VARIABLE}=binary64"):
        network_for(instance_id())


@needs_numba
def test_who_trains_first_waits_for_the_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    network_for(instance_id())
    assert not waits_for_compiler()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert waits_for_compiler()
    monkeypatch.setenv(ENGINE_VARIABLE, "binary64")
    assert not waits_for_compiler()


@pytest.mark.parametrize("error", [ImportError("no llvmlite"), OSError("no folder")])
def test_nobody_waits_where_nothing_is_compiled(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(_: str) -> ModuleType:
        raise error

    monkeypatch.setattr(network_choice, "import_module", fail)
    assert not waits_for_compiler()
