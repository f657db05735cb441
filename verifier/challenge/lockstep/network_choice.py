"""The networks that a device trains: Triton's kernels on a GPU where they can, else torch's operations."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Final

from verifier.challenge.editions import Edition
from verifier.challenge.lockstep.lockstep_network import MakeNetwork
from verifier.challenge.lockstep.torch_network import TorchNetwork

_KERNELS: Final = "verifier.challenge.lockstep.kernels.triton_network"


def networks_for(edition: Edition, device: str) -> MakeNetwork:
    """What makes the networks of an edition's tracks on a device, by torch's name for it; the bits are the same."""
    if device == "cpu" or find_spec("triton") is None:
        return TorchNetwork
    kernels = import_module(_KERNELS)
    made: MakeNetwork = kernels.TritonNetwork if kernels.fits(edition) else TorchNetwork
    return made
