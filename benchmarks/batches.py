"""What the papers' batches change: the same trainings with the batches of Algorithm 1 and with those of version 1.

    python -m benchmarks.batches                   # train what is missing, one line of results for each training
    python -m benchmarks.batches --report          # the table of paired differences (Markdown)

Algorithm 1 splits the training set once and shuffles the order of the batches. Version 1 of the specification, as the
live network, shuffled the points and made new batches in every epoch. Instances are nonces of the centred edition,
trainings whole ones in this process; seconds are those of the processor, as other work may share the machine.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np
import torch

from arithmetic import random
from arithmetic.allocator import keep_freed_memory
from protocol.settings import Settings
from protocol.task import Task
from sandbox.isolation import InProcess
from sandbox.optimiser import Optimiser
from verifier.challenge.editions import DECEMBER_2025_CENTRED as EDITION
from verifier.challenge.instance.instance import Instance
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.network.network import Batch, Network
from verifier.challenge.scoring import score, test_subset
from verifier.challenge.session import Session
from verifier.challenge.training.trainer import Trainer, finish
from verifier.command_line.files import read_module
from verifier.experiments.row_checks import LARGEST, SMALLEST, require_between
from verifier.experiments.statistics import mean_interval
from verifier.runs import results_table
from verifier.runs.row_formats import json_rows

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "benchmarks" / "results" / "batches.jsonl"
OPTIMISERS: Final = ("sgd", "adam")
DEPTHS: Final = (4, 10)
NONCES: Final = 20


class PointsShuffled(Trainer):
    """The batches of version 1: other ones in every epoch."""

    def __init__(self, instance_id: InstanceId, instance: Instance, network: Network, optimiser: Optimiser) -> None:
        super().__init__(instance_id, instance, network, optimiser)
        self._points = instance.train

    def _batches(self, epoch: int) -> list[Batch]:
        words = self._id.stream("shuffle", epoch).words(0, len(self._points.y))
        order, ends = random.permutation(words), np.cumsum(self._edition.batch_sizes)[:-1]
        parts = (np.split(values[order], ends) for values in (self._points.x, self._points.y))
        return [self._network.batch(x, y) for x, y in zip(*parts, strict=True)]


RULES: Final = {"batches": Trainer, "points": PointsShuffled}


@dataclass(frozen=True)
class Row:
    """One training."""

    optimiser: str
    n_hidden: int
    nonce: int
    rule: str
    epochs: int
    best_epoch: int
    quality: int
    seconds: float

    def __post_init__(self) -> None:
        if self.optimiser not in OPTIMISERS or self.n_hidden not in DEPTHS or self.rule not in RULES:
            raise ValueError("a training that is none of this study")
        require_between("epochs", self.epochs, 1, LARGEST)
        require_between("seconds", self.seconds, SMALLEST, LARGEST)

    @property
    def key(self) -> tuple[str, int, int, str]:
        """What makes a training one of its own."""
        return *self.case, self.rule

    @property
    def case(self) -> tuple[str, int, int]:
        """What both rules train."""
        return self.optimiser, self.n_hidden, self.nonce


FORMAT: Final = json_rows(Row, "this benchmark")


def session(optimiser: str, n_hidden: int, nonce: int) -> Session:
    """The training of a case."""
    module = read_module(ROOT / "fixtures" / "optimisers" / f"{optimiser}.py")
    settings = Settings("", "", "c006", "", f"n_hidden={n_hidden}")
    task = Task(EDITION.name, settings, module.digest, {}, EDITION.max_fuel_budget, "batches")
    return Session(task, nonce, module, InProcess())


def train(optimiser: str, n_hidden: int, nonce: int, rule: str) -> Row:
    """One training, to its end, and its score."""
    of = session(optimiser, n_hidden, nonce)
    with of.start_optimiser() as started:
        trainer = RULES[rule](of.instance_id, of.instance, of.network, started)
        before = time.process_time()
        trainer.start(of.initial)
        done = finish(trainer)
        seconds = time.process_time() - before
        result = score(of.network, done.best, test_subset(of.instance_id, done.best_epoch))
    return Row(optimiser, n_hidden, nonce, rule, done.epochs, done.best_epoch, result.quality, round(seconds, 2))


def read_rows(path: Path) -> list[Row]:
    """The whole lines of the results. Raises InputError for anything else in the file."""
    return list(results_table.read_rows(path, FORMAT).values()) if path.exists() else []


def study(path: Path, nonces: range) -> None:
    """Train what the results lack; the rules alternate."""
    done = {row.key for row in read_rows(path)}
    for nonce, n_hidden, optimiser, rule in product(nonces, DEPTHS, OPTIMISERS, RULES):
        if (optimiser, n_hidden, nonce, rule) not in done:
            row = train(optimiser, n_hidden, nonce, rule)
            with path.open("ab", buffering=0) as file:
                file.write(json.dumps(asdict(row)).encode() + b"\n")


def report(rows: Iterable[Row]) -> str:
    """A line for each optimiser and depth, and one for all."""
    by_rule: dict[str, dict[tuple[str, int, int], Row]] = {rule: {} for rule in RULES}
    for row in rows:
        by_rule[row.rule][row.case] = row
    old, new = by_rule["points"], by_rule["batches"]
    cases = sorted(old.keys() & new.keys())
    alone = len(old.keys() ^ new.keys())
    if not cases:
        return "No case has been trained by both rules."
    groups = [[case for case in cases if case[:2] == cell] for cell in product(OPTIMISERS, DEPTHS)]
    lines = [
        "| | n | quality, version 1 | less, batches as Algorithm 1 | T, ratio | time of an epoch, ratio |",
        "|---" * 6 + "|",
    ]
    for name, group in [
        *((f"{group[0][0]}, n_hidden {group[0][1]}", group) for group in groups if group),
        ("all", cases),
    ]:
        before = sum(old[case].quality for case in group) / len(group)
        lines.append(
            f"| {name} | {len(group)} | {before:,.0f} | {_difference(group, old, new)} "
            f"| {_ratio(group, old, new, lambda row: row.epochs)} "
            f"| {_ratio(group, old, new, lambda row: row.seconds / row.epochs)} |"
        )
    lines += [f"\n{alone} trainings without their pair are left out."] if alone else []
    return "\n".join(lines)


Rows = dict[tuple[str, int, int], Row]


def _by_nonce(cases: list[tuple[str, int, int]], value: Callable[[tuple[str, int, int]], float]) -> list[float]:
    """The mean over the cases of each nonce: instances are the independent draws."""
    found: dict[int, list[float]] = {}
    for case in cases:
        found.setdefault(case[2], []).append(value(case))
    return [sum(values) / len(values) for values in found.values()]


def _difference(cases: list[tuple[str, int, int]], old: Rows, new: Rows) -> str:
    interval = mean_interval(_by_nonce(cases, lambda case: new[case].quality - old[case].quality))
    known = f"[{interval.low:+,.0f}, {interval.high:+,.0f}]" if interval.is_known else "[unknown]"
    return f"{interval.mean:+,.0f} {known}"


def _ratio(cases: list[tuple[str, int, int]], old: Rows, new: Rows, value: Callable[[Row], float]) -> str:
    logs = _by_nonce(cases, lambda case: math.log(value(new[case]) / value(old[case])))
    interval = mean_interval(logs)
    known = f"[{math.exp(interval.low):.3f}, {math.exp(interval.high):.3f}]" if interval.is_known else "[unknown]"
    return f"{math.exp(interval.mean):.3f} {known}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--nonces", type=int, nargs=2, metavar=("FIRST", "STOP"), default=(0, NONCES))
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()
    if options.report:
        print(report(read_rows(options.results)))
        return
    keep_freed_memory()
    torch.set_num_threads(1)
    study(options.results, range(*options.nonces))


if __name__ == "__main__":
    main()
