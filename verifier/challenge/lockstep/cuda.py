"""The GPUs of this machine that can train in lockstep, or why it has none."""

from __future__ import annotations

import os
from typing import Final

import torch

from arithmetic.device import self_test
from arithmetic.errors import MachineError
from verifier.challenge.editions import DECEMBER_2025
from verifier.challenge.lockstep.agreement import require_agreement
from verifier.challenge.lockstep.device import Device
from verifier.challenge.lockstep.network_choice import networks_for

OLDEST: Final = (8, 0)
"""The compute capability that a GPU needs: kernels are compiled for it by nobody below."""


def usable_devices() -> tuple[Device, ...]:
    """The GPUs that torch sees, each of which passes the self-test. Raises MachineError."""
    _require_cuda()
    names = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    return tuple(
        Device("cuda", title, names[index] if names else str(index))
        for index, title in enumerate(map(_require_usable, range(torch.cuda.device_count())))
    )


def _require_cuda() -> None:
    if torch.version.cuda is None:
        raise MachineError(f"torch {torch.__version__} is built without CUDA; install one that is built with it")
    if not torch.cuda.is_available():
        oldest = f"a driver for CUDA {torch.version.cuda}"
        raise MachineError(f"torch {torch.__version__} finds no GPU here; it needs one, and {oldest} or newer")


def _require_usable(index: int) -> str:
    """The title of a GPU that computes what it must. Raises MachineError."""
    title, found, device = torch.cuda.get_device_name(index), torch.cuda.get_device_capability(index), f"cuda:{index}"
    if found < OLDEST:
        raise MachineError(f"{title} has compute capability {_text(found)}; {_text(OLDEST)} is the least")
    try:
        self_test.require_sound(device)
        require_agreement(device, networks_for(DECEMBER_2025, device))
    except RuntimeError as error:  # of CUDA
        raise MachineError(f"{title}: {error}") from None
    return title


def _text(capability: tuple[int, int]) -> str:
    return ".".join(map(str, capability))
