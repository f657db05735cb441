"""The options of the commands that draw or answer a sample."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from protocol.beacon import check_beacon
from protocol.benchmark import Benchmark
from protocol.bundles import SAMPLING_TRIES
from protocol.envelope import Signed
from protocol.sampling import SamplingRule, sample
from verifier.challenge.errors import InputError
from verifier.command_line.options.option_groups import option_group
from verifier.command_line.options.whole_number import WholeNumber

_LIVE: Final = SamplingRule()
_I32: Final = WholeNumber(-(1 << 31), (1 << 31) - 1)


@dataclass(frozen=True)
class Sampling:
    """What draws the sample of a benchmark."""

    beacon: str
    rule: SamplingRule

    def shortfall(self, drawn: int) -> list[str]:
        """What to say of a sample with fewer nonces than asked for: as a half without any gives none. Else nothing."""
        asked = self.rule.upper + self.rule.lower
        if drawn >= asked:
            return []
        return [f"{drawn} of {asked} nonces drawn: bundles are few or small (those of one nonce have no worse half)"]


def _sampling(beacon: str, upper: int, lower: int, lowest_active: int) -> Sampling:
    """Raises RecordError for what is no beacon."""
    check_beacon(beacon, "--beacon")
    return Sampling(beacon, SamplingRule(upper, lower, lowest_active))


sampling_options: Final = option_group(
    "sampling",
    _sampling,
    click.option("--beacon", required=True, metavar="TEXT",
                 help="What draws the sample, such as the hash of a block published after the benchmark."),
    click.option("--upper", type=WholeNumber(1, SAMPLING_TRIES), default=_LIVE.upper, show_default=True,
                 help="How many nonces to draw from the better halves of bundles."),
    click.option("--lower", type=WholeNumber(0, SAMPLING_TRIES), default=_LIVE.lower, show_default=True,
                 help="How many nonces to draw from the worse halves."),
    click.option("--lowest-active", type=_I32, default=_LIVE.lowest_active, metavar="QUALITY",
                 help="Pass over bundles whose median quality is less. Default: none is passed over."),
)  # fmt: skip


def drawn(path: Path, benchmark: Signed[Benchmark], sampling: Sampling) -> tuple[int, ...]:
    """The nonces of a benchmark's file that are to be proven. Raises InputError where no bundle is active."""
    nonces = sample(benchmark, sampling.beacon, sampling.rule)
    if not nonces:
        raise InputError(
            f"{path}: no bundle has a median quality of {sampling.rule.lowest_active} or more, so none is to be proven"
        )
    return nonces
