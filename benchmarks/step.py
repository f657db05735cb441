"""The yardstick: what exact training costs beside plain float32 PyTorch, and what its processes cost.

    python -m benchmarks.step [--hidden 1 4 10 18] [--rounds 11] [--epochs 12] [--record]

Each round trains the same network on the same data with Adam for a few epochs in each way, one after the other, on
one thread; an epoch is 8 steps, a validation and, if it is the best so far, a copy of the weights. Ours includes the
transcript. Absolute times say little on a shared machine; what counts are the ratios within a round, of which the
median is printed, with its quartiles. Then follow the product alone, the work of `evaluate`, whole processes and
their memory. What is new is compared with the last recorded run on a machine of the same kind; `--record` appends
this run to `benchmarks/history.jsonl`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import PackageNotFoundError, version

import torch

from arithmetic.allocator import keep_freed_memory
from benchmarks import history
from benchmarks.evaluate import evaluate_figures
from benchmarks.figure import Figure, Figures
from benchmarks.plain import PlainTraining, Tuned, Usual, WrittenOut
from benchmarks.product import product_figures
from benchmarks.short_training import WARM_UP, end_after, seconds_a_step, session
from benchmarks.start import memory_figures, start_figures
from sandbox.isolation import InProcess, Isolation, Jail
from verifier.challenge.instance.instance import Instance
from verifier.challenge.instance.instance_id import InstanceId

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
FEWEST_ROUNDS = 9
"""Of a run that is recorded."""
LIBRARIES = ("torch", "numpy", "numba", "llvmlite")
PLAIN: dict[str, Callable[[InstanceId, Instance], PlainTraining]] = {
    "plain": Usual,
    "tuned": Tuned,
    "written out": WrittenOut,
}
"""Plain PyTorch; the ratios are to the first one."""


def plain_step(way: Callable[[InstanceId, Instance], PlainTraining], n_hidden: int, epochs: int) -> float:
    """Seconds a step after the warm-up."""
    given = session(n_hidden, InProcess())
    training, ends = way(given.instance_id, given.instance), list[float]()
    for _ in range(epochs):
        training.epoch()
        ends.append(time.perf_counter())
    return seconds_a_step(ends)


def our_step(isolation: Isolation, n_hidden: int) -> float:
    """Seconds a step after the warm-up; transcript, validation and channel included."""
    ends: list[float] = []
    session(n_hidden, isolation).train(lambda _: ends.append(time.perf_counter()))
    return seconds_a_step(ends)


def step_figures(n_hidden: int, rounds: int, epochs: int) -> Figures:
    """The ways beside each other: milliseconds of the plain one, and ratios to it."""
    with Jail() as jail:
        places: dict[str, Isolation] = {"in process": InProcess(), "jailed": jail}
        ways = {name: partial(plain_step, way, n_hidden, epochs) for name, way in PLAIN.items()}
        ways |= {name: partial(our_step, place, n_hidden) for name, place in places.items()}
        times = [{name: way() for name, way in ways.items()} for _ in range(rounds)]
    found = {f"plain step, n_hidden={n_hidden}": Figure.of("ms", [each["plain"] * 1e3 for each in times])}
    for name in list(ways)[1:]:
        ratios = [each[name] / each["plain"] for each in times]
        found[f"{name} / plain, n_hidden={n_hidden}"] = Figure.of("", ratios)
    return found


def engine() -> str:
    """What the network is trained with here."""
    return session(1, InProcess()).network.engine


def versions() -> dict[str, str]:
    """Of Python, and of the libraries that compute."""
    found = {"python": sys.version.split()[0]}
    for name in LIBRARIES:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, nargs="+", default=[1, 4, 10, 18])
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--epochs", type=int, default=12, help=f"more than {WARM_UP}, which are not measured")
    parser.add_argument("--record", action="store_true", help=f"append to {history.HISTORY.name}")
    options = parser.parse_args()
    if options.record and options.rounds < FEWEST_ROUNDS:
        parser.error(f"a run that is recorded has at least {FEWEST_ROUNDS} rounds")
    if any(os.environ.get(name) != value for name, value in ONE_THREAD.items()):  # they look when they are imported
        os.execve(sys.executable, [sys.executable, "-m", "benchmarks.step", *sys.argv[1:]], os.environ | ONE_THREAD)
    keep_freed_memory()  # as the command line and the worker do; plain PyTorch gets it too
    torch.set_num_threads(1)
    end_after(options.epochs)
    print(f"engine {engine()}; {', '.join(f'{name} {each}' for name, each in versions().items())}", flush=True)
    parts: list[Callable[[], Figures]] = [
        *(partial(step_figures, n_hidden, options.rounds, options.epochs) for n_hidden in options.hidden),
        partial(product_figures, options.rounds),
        partial(evaluate_figures, 3 * options.rounds),
        partial(start_figures, options.rounds),
        memory_figures,
    ]
    figures: Figures = {}
    for part in parts:
        found = part()
        print(*(f"{name}: {figure}" for name, figure in found.items()), sep="\n", flush=True)
        figures |= found
    run = history.Run.of_this_machine(engine(), versions(), options.rounds, figures)
    earlier = history.last_alike(run)
    print(*(history.comparison(earlier, run) if earlier else ["no run on such a machine is recorded"]), sep="\n")
    if options.record:
        history.add(run)


if __name__ == "__main__":
    main()
