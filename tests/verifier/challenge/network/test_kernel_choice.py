"""The kernels are fused where they can be, and only while they give the eager ones' bits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace
from typing import cast

import pytest

from arithmetic.errors import MachineError
from verifier.challenge.network import kernel_choice, kernels_eager
from verifier.challenge.network.kernel_choice import agree
from verifier.challenge.network.kernels import Kernels

needs_numba = pytest.mark.skipif(
    find_spec("numba") is None, reason="numba is NOT installed: the fused kernels are NOT tested"
)


@pytest.fixture(autouse=True)
def fresh_choice(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine forgets what it chose, before and after a test."""
    monkeypatch.delenv("TIG_VERIFY_KERNELS", raising=False)
    kernel_choice.training_kernels.cache_clear()
    yield
    kernel_choice.training_kernels.cache_clear()


def broken(name: str) -> Kernels:
    """The eager kernels with one result of one pass a little off."""

    def off(*args: object) -> object:
        first, rest = getattr(kernels_eager, name)(*args)
        if name == "forward":
            rest.squares[-1] *= 1.0 + 2.0**-52
            return first, rest
        integers = first.integers.clone()
        integers[0, 0] += 1
        return replace(first, integers=integers), rest

    functions = {
        kernel: getattr(kernels_eager, kernel) for kernel in ("quantise", "write", "forward", "backward", "evaluate")
    }
    return cast("Kernels", SimpleNamespace(**functions | {name: off}))


@pytest.mark.parametrize("name", ["", "numba", "Fused"])
def test_unknown_kernels_are_an_error(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("TIG_VERIFY_KERNELS", name)
    with pytest.raises(MachineError, match=f"TIG_VERIFY_KERNELS='{name}' is not one of eager, fused"):
        kernel_choice.training_kernels()


def test_the_environment_forces_eager_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIG_VERIFY_KERNELS", "eager")
    assert kernel_choice.training_kernels() is kernels_eager


@needs_numba
@pytest.mark.parametrize("forced", [True, False])
def test_kernels_are_fused_where_numba_is(monkeypatch: pytest.MonkeyPatch, forced: bool) -> None:
    if forced:
        monkeypatch.setenv("TIG_VERIFY_KERNELS", "fused")
    kernels = kernel_choice.training_kernels()
    assert isinstance(kernels, ModuleType)
    assert kernels.name == "fused"
    assert kernel_choice.training_kernels() is kernels


@pytest.mark.parametrize("error", [ImportError("no numba"), RuntimeError("no locator available for its cache")])
def test_kernels_are_eager_without_numba(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(_: str) -> ModuleType:
        raise error

    monkeypatch.setattr(kernel_choice, "import_module", fail)
    assert kernel_choice.training_kernels() is kernels_eager
    kernel_choice.training_kernels.cache_clear()
    monkeypatch.setenv("TIG_VERIFY_KERNELS", "fused")
    with pytest.raises(MachineError, match="TIG_VERIFY_KERNELS=fused needs numba and a CPU"):
        kernel_choice.training_kernels()


def test_kernels_are_eager_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kernel_choice.training_kernels("cuda") is kernels_eager
    kernel_choice.training_kernels.cache_clear()
    monkeypatch.setenv("TIG_VERIFY_KERNELS", "fused")
    with pytest.raises(MachineError, match="needs numba and a CPU"):
        kernel_choice.training_kernels("cuda")


def test_kernels_agree_with_themselves() -> None:
    assert agree(kernels_eager, kernels_eager)


@pytest.mark.parametrize("name", ["forward", "backward"])
def test_kernels_that_are_a_bit_off_do_not_agree(name: str) -> None:
    assert not agree(broken(name), kernels_eager)
    assert not agree(kernels_eager, broken(name))


@needs_numba
@pytest.mark.parametrize("name", ["forward", "backward"])
def test_kernels_that_give_other_bits_are_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(kernel_choice, "import_module", lambda _: broken(name))
    with pytest.raises(MachineError, match="set TIG_VERIFY_KERNELS=eager"):
        kernel_choice.training_kernels()
