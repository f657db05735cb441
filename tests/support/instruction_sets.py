"""Processors that the compiled network is compiled for in tests, whatever the one that runs them is."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True)
class Processor:
    """One of LLVM's processors, and the instruction sets of it that the network's code depends on."""

    name: str
    features: tuple[str, ...]
    """By LLVM's names."""
    product: str
    """The instruction that multiplies pairs of 16-bit integers and adds."""
    triple: str = "x86_64-unknown-linux-gnu"

    @property
    def can_run_here(self) -> bool:
        """Whether this machine's processor has these instruction sets."""
        if not self.triple.startswith(platform.machine()):
            return False
        flags = set(Path("/proc/cpuinfo").read_text().split())
        return {_LINUX.get(feature, feature) for feature in self.features} <= flags


_LINUX: Final = {"sse4.2": "sse4_2", "avx512vnni": "avx512_vnni", "avxvnni": "avx_vnni", "neon": "asimd"}
"""Linux's names, where they are others."""
_AVX512: Final = ("avx2", "avx512f", "avx512bw", "avx512dq", "avx512vl")

PROCESSORS: Final = {
    "SSE2": Processor("x86-64", ("sse2",), "pmaddwd"),
    "SSE4.2": Processor("nehalem", ("sse4.2",), "pmaddwd"),
    "AVX2": Processor("haswell", ("avx2",), "vpmaddwd"),
    "AVX-VNNI": Processor("alderlake", ("avx2", "avxvnni"), "vpdpwssd"),
    "AVX-512": Processor("skylake-avx512", _AVX512, "vpmaddwd"),
    "AVX-512 VNNI": Processor("cascadelake", (*_AVX512, "avx512vnni"), "vpdpwssd"),
    "Zen 4": Processor("znver4", (*_AVX512, "avx512vnni"), "vpdpwssd"),
    "NEON": Processor("neoverse-n1", ("neon",), "smlal", "aarch64-unknown-linux-gnu"),
}
