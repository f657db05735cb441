"""The processor that code is compiled for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from llvmlite import binding


@dataclass(frozen=True)
class Processor:
    """A processor, as LLVM knows it."""

    name: str
    features: str
    """Instruction sets, such as `+avx2,-avx512f`."""

    @classmethod
    def here(cls) -> Self:
        """The one that this process runs on."""
        return cls(binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten())

    def machine(self) -> binding.TargetMachine:
        """LLVM's code generator for it."""
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        target = binding.Target.from_triple(binding.get_process_triple())
        return target.create_target_machine(
            cpu=self.name, features=self.features, opt=3, codemodel="jitdefault", jit=True
        )
