"""One round of fuzzing everything that reads bytes of strangers: the same inputs for the same seed."""

from __future__ import annotations

import resource
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from tests.fuzzing.codec_inputs import inputs
from tests.fuzzing.decoding import READERS, ending, key_ending, text_ending

RARE: Final = 100
"""One input of each reader of texts, and one key file, for so many encodings."""


@dataclass
class Round:
    """What was tried, how it ended, and what broke the contract."""

    inputs: Counter[str] = field(default_factory=Counter)
    endings: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    peak_mib: int = 0

    def add(self, target: str, attempt: Callable[[], str], what: str) -> None:
        self.inputs[target] += 1
        try:
            self.endings[f"{target}: {attempt()}"] += 1
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # a panic of a library in Rust is no Exception
            self.findings.append(f"{what}\n{traceback.format_exc(limit=-3)}")


def fuzz(seed: str, size: int) -> Round:
    """The round of a seed, of `size` encodings and a share of the others."""
    done = Round()
    random = Random(seed)
    for number, (kind, data) in enumerate(inputs(random, size)):
        target = kind.__name__ if kind else "codec"
        done.add(target, lambda: ending(kind, data), f"{seed} {number} {data.hex()}")  # noqa: B023
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "key"
        for number in range(size // RARE):
            done.add("key files", lambda: key_ending(random, path), f"{seed} key file {number}")
            for reader in READERS:
                done.add(reader, lambda: text_ending(reader, random), f"{seed} {reader} {number}")  # noqa: B023
    done.peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    return done
