"""What the sandbox costs: a training step with Adam in a jailed worker against the same Adam on plain torch tensors.

    python -m benchmarks.isolation [--hidden 4 10] [--rounds 7] [--epochs 16]

Both train the same network with the same trusted loop, side by side, one thread each; only where and how the optimiser
runs differs: torch's own operations in this process, or the module behind language, facade, meter, jail and channel.
Plain Adam computes no digest of its state, so the price of the worker's is included. Printed are medians of the times
and of the ratios within a round, then the start of a worker and a single round trip.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Mapping
from functools import partial

import numpy as np
import torch

from arithmetic.allocator import keep_freed_memory
from benchmarks.short_training import ADAM, WARM_UP, end_after, seconds_a_step, session
from sandbox.isolation import InProcess, Isolation, Jail
from sandbox.layout import Layout, Part
from sandbox.optimiser import Assignment, Optimiser, Vector
from sandbox.worker.client import WorkerProcess
from verifier.challenge.module import Module

FLAT = ADAM.read_bytes()
PER_TENSOR = b"""
import torch

HYPERPARAMETERS = {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}


def init_optimiser_state(difficulty, parameters, hyperparameters, rng):
    return {
        "settings": hyperparameters,
        "t": 0,
        "m": [torch.zeros_like(p) for p in parameters],
        "v": [torch.zeros_like(p) for p in parameters],
    }


def query_location_parameters(parameters, state, gradient, epoch, train_loss, validation_loss):
    return None


def optimiser_step_updates(state, gradient, parameters, epoch, train_loss, validation_loss):
    s = state["settings"]
    state["t"] += 1
    step_size = s["lr"] / (1 - s["beta1"] ** state["t"])
    correction = 1 - s["beta2"] ** state["t"]
    updates = []
    for m, v, g in zip(state["m"], state["v"], gradient):
        m.mul_(s["beta1"]).add_((1 - s["beta1"]) * g)
        v.mul_(s["beta2"]).add_((1 - s["beta2"]) * g * g)
        updates.append(-step_size * m / ((v / correction).sqrt() + s["eps"]))
    return updates, state
"""


class PlainAdam:
    """The two modules above, line by line, in torch's own operations."""

    fuel_used = 0

    def __init__(self, layout: Layout, per_tensor: bool) -> None:
        self.parameters, self.gradient = np.zeros((2, layout.size), np.float32)
        self._at, self._slope = torch.from_numpy(self.parameters), torch.from_numpy(self.gradient)
        self._sizes = [part.size for part in layout.parts] if per_tensor else [layout.size]
        self._t = 0

    def __enter__(self) -> PlainAdam:
        return self

    def __exit__(self, *_: object) -> None: ...

    def initialise(self) -> None:
        self._m, self._v = ([torch.zeros_like(p) for p in self._at.split(self._sizes)] for _ in range(2))

    def begin_epoch(self, epoch: int, train_loss: float, validation_loss: float, steps: int) -> None: ...

    def query_location(self) -> None: ...

    def step_updates(self) -> Vector:
        self._t += 1
        step_size, correction = 0.001 / (1 - 0.9**self._t), 1 - 0.999**self._t
        updates = []
        for m, v, g in zip(self._m, self._v, self._slope.split(self._sizes), strict=True):
            m.mul_(0.9).add_((1 - 0.9) * g)
            v.mul_(0.999).add_((1 - 0.999) * g * g)
            updates.append(-step_size * m / ((v / correction).sqrt() + 1e-8))
        together: Vector = (updates[0] if len(updates) == 1 else torch.cat(updates)).numpy()
        return together

    def state_digest(self) -> bytes:
        return bytes(32)

    def save(self) -> bytes: ...  # type: ignore[empty-body]

    def restore(self, state: bytes, fuel_used: int) -> None: ...


class Plain:
    """An isolation that is none: no language, no facade."""

    def __init__(self, per_tensor: bool) -> None:
        self._per_tensor = per_tensor

    def start(self, assignment: Assignment) -> Optimiser:
        return PlainAdam(assignment.layout, self._per_tensor)

    def describe(self) -> Mapping[str, str]:
        return {}


def step(n_hidden: int, module: Module, isolation: Isolation) -> float:
    """Seconds a step after the warm-up."""
    ends: list[float] = []
    session(n_hidden, isolation, module).train(lambda _: ends.append(time.perf_counter()))
    return seconds_a_step(ends)


def start_and_round_trip(jail: Jail) -> tuple[float, float]:
    """Milliseconds until a worker that is asked for is ready; microseconds of a call that does next to nothing."""
    layout = Layout((Part("w", "weight", (4,)),))
    trivial = FLAT.partition(b'    s = state["settings"]')[0] + b"    return gradient, state\n"
    assignment = Assignment(trivial, "trivial.py", layout, {}, {}, bytes(32), 10**12)
    starts, trips = [], []
    for _ in range(20):
        started = time.perf_counter()
        with WorkerProcess(jail.zygote) as worker:
            worker.start()
            starts.append(time.perf_counter() - started)
    with jail.start(assignment) as optimiser:
        optimiser.initialise()
        optimiser.begin_epoch(0, 0.0, 0.0, 0)  # so that nothing is asked for ahead
        for _ in range(2000):
            started = time.perf_counter()
            optimiser.step_updates()
            trips.append(time.perf_counter() - started)
    return statistics.median(starts) * 1e3, statistics.median(trips) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, nargs="+", default=[4, 10])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--epochs", type=int, default=16, help=f"more than {WARM_UP}, which are not measured")
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1)
    end_after(options.epochs)
    print("n_hidden  written      plain ms  jailed ms  in process ms   jailed/plain  in process/plain")
    with Jail() as jail:
        for n_hidden in options.hidden:
            for name, source in (("flat", FLAT), ("per tensor", PER_TENSOR)):
                ways: list[Isolation] = [Plain(name != "flat"), jail, InProcess()]
                run = partial(step, n_hidden, Module("adam.py", source))
                rounds = [[run(way) for way in ways] for _ in range(options.rounds)]
                plain, jailed, inside = (statistics.median(r[i] for r in rounds) * 1000 for i in range(3))
                ratios = [statistics.median(r[i] / r[0] for r in rounds) for i in (1, 2)]
                print(
                    f"{n_hidden:8d}  {name:10s} {plain:10.2f} {jailed:10.2f} {inside:14.2f} "
                    f"{ratios[0]:14.3f} {ratios[1]:17.3f}"
                )
        start, trip = start_and_round_trip(jail)
        print(f"start of a worker {start:.1f} ms; round trip of a trivial step {trip:.0f} us")


if __name__ == "__main__":
    main()
