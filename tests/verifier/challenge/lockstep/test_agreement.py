"""Networks of places that are a bit off in one result are refused."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from arithmetic.errors import MachineError
from verifier.challenge.lockstep.agreement import agree, require_agreement
from verifier.challenge.lockstep.torch_network import TorchNetwork


def test_torch_on_this_processor_agrees() -> None:
    assert agree("cpu", TorchNetwork)
    require_agreement("cpu", TorchNetwork)


class Off(TorchNetwork):
    """One that is a bit off in one result of the last place."""

    result: str

    def loss_and_gradient(self, locations: Tensor, batches: Tensor) -> tuple[Tensor, Tensor]:
        losses, finite = super().loss_and_gradient(locations, batches)
        results = {"loss": losses, "gradient": self.gradient, "means": self.means, "variances": self.variances}
        if self.result in results:
            last = results[self.result].view(len(batches), -1)[-1]
            last[-1].copy_(torch.nextafter(last[-1], torch.tensor(math.inf, dtype=last.dtype)))
        return losses, finite.fill_(True) if self.result == "finite" else finite

    def validation_losses(self, n: int) -> tuple[Tensor, Tensor]:
        losses, finite = super().validation_losses(n)
        if self.result == "validation":
            losses[-1] = torch.nextafter(losses[-1], torch.zeros((), dtype=losses.dtype))
        return losses, finite.fill_(True) if self.result == "finite" else finite


@pytest.mark.parametrize("result", ["loss", "gradient", "means", "variances", "validation", "finite"])
def test_another_bit_in_a_result_is_refused(result: str) -> None:
    network = type("OffIn", (Off,), {"result": result})
    with pytest.raises(MachineError, match="networks trained together on cpu give other bits"):
        require_agreement("cpu", network)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device: networks of a GPU are NOT tested")
def test_torch_on_a_gpu_agrees() -> None:
    assert agree("cuda", TorchNetwork)
