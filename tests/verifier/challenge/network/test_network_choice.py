"""The kernels are fused where they can be, and only while they give the eager ones' bits."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace

import pytest

from arithmetic.errors import MachineError
from verifier.challenge.network import kernel_choice
from verifier.challenge.network.kernel_choice import agree
from verifier.challenge.network.kernels import Affine, AffineGradient, ForwardCache, Kernels
from verifier.challenge.network.kernels_eager import EagerKernels
from verifier.challenge.network.operands import Operand, Product

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


def broken(name: str) -> type[Kernels]:
    """The eager kernels with one result of one pass a little off."""

    class Broken(EagerKernels):
        def forward(self, product: Product, affine: Affine | None) -> tuple[Operand, ForwardCache]:
            h, cache = super().forward(product, affine)
            cache.squares[-1] *= 1.0 + 2.0**-52 if name == "forward" else 1.0
            return h, cache

        def backward(self, product: Product, cache: ForwardCache) -> tuple[Operand, AffineGradient]:
            da, gradient = super().backward(product, cache)
            da.form.view(-1)[0] += 1 if name == "backward" else 0
            return da, gradient

    return Broken


@pytest.mark.parametrize("name", ["", "numba", "Fused"])
def test_unknown_kernels_are_an_error(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("TIG_VERIFY_KERNELS", name)
    with pytest.raises(MachineError, match=f"TIG_VERIFY_KERNELS='{name}' is not one of eager, fused"):
        kernel_choice.training_kernels()


def test_the_environment_forces_eager_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIG_VERIFY_KERNELS", "eager")
    assert kernel_choice.training_kernels() is EagerKernels


@needs_numba
@pytest.mark.parametrize("forced", [True, False])
def test_kernels_are_fused_where_numba_is(monkeypatch: pytest.MonkeyPatch, forced: bool) -> None:
    if forced:
        monkeypatch.setenv("TIG_VERIFY_KERNELS", "fused")
    kernels = kernel_choice.training_kernels()
    assert kernels.name == "fused"
    assert kernel_choice.training_kernels() is kernels


@pytest.mark.parametrize("error", [ImportError("no numba"), RuntimeError("no locator available for its cache")])
def test_kernels_are_eager_without_numba(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(_: str) -> ModuleType:
        raise error

    monkeypatch.setattr(kernel_choice, "import_module", fail)
    assert kernel_choice.training_kernels() is EagerKernels
    kernel_choice.training_kernels.cache_clear()
    monkeypatch.setenv("TIG_VERIFY_KERNELS", "fused")
    with pytest.raises(
        MachineError,
        match="TIG_VERIFY_KERNELS=fused needs numba, a folder of yours alone for what it compiles, and a CPU",
    ):
        kernel_choice.training_kernels()


def test_kernels_are_eager_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kernel_choice.training_kernels("cuda") is EagerKernels
    kernel_choice.training_kernels.cache_clear()
    monkeypatch.setenv("TIG_VERIFY_KERNELS", "fused")
    with pytest.raises(MachineError, match="needs numba, a folder of yours alone"):
        kernel_choice.training_kernels("cuda")


def test_kernels_agree_with_themselves() -> None:
    assert agree(EagerKernels, EagerKernels)


@pytest.mark.parametrize("name", ["forward", "backward"])
def test_kernels_that_are_a_bit_off_do_not_agree(name: str) -> None:
    assert not agree(broken(name), EagerKernels)
    assert not agree(EagerKernels, broken(name))


@needs_numba
@pytest.mark.parametrize("name", ["forward", "backward"])
def test_kernels_that_give_other_bits_are_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(kernel_choice, "import_module", lambda _: SimpleNamespace(NumbaKernels=broken(name)))
    with pytest.raises(MachineError, match="set TIG_VERIFY_KERNELS=eager"):
        kernel_choice.training_kernels()
