"""Training nonces in lockstep by torch on this CPU, beside the same nonces one after the other.

    python -m benchmarks.lockstep [--hidden 4 10] [--places 8] [--epochs 8] [--rounds 3]

Processor time of a step and nonce on one thread, in turns: the median of the rounds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from arithmetic.engine_choice import ENGINE_VARIABLE
from benchmarks.short_training import end_after, session
from sandbox.isolation import InProcess
from verifier.challenge.editions import DECEMBER_2025
from verifier.challenge.lockstep.lockstep_trainer import LockstepTrainer
from verifier.challenge.session import Session


def together(n_hidden: int, places: int) -> float:
    """Processor seconds of training nonces in lockstep."""
    given = session(n_hidden, InProcess())
    trainer = LockstepTrainer(given.task, given.module, InProcess(), "cpu", places)
    begun = time.process_time()
    trainings = [training for _, training in trainer.run(range(places))]
    assert None not in trainings
    return time.process_time() - begun


def one_by_one(n_hidden: int, places: int) -> float:
    """Processor seconds of training the same nonces one after the other."""
    given = session(n_hidden, InProcess())
    begun = time.process_time()
    for nonce in range(places):
        Session(given.task, nonce, given.module, InProcess()).train()
    return time.process_time() - begun


def timed(n_hidden: int, places: int, rounds: int) -> list[list[float]]:
    """Processor seconds of each round, together, one by one with NumPy, and compiled."""
    ways = ((None, together), ("binary64", one_by_one), (None, one_by_one))
    taken: list[list[float]] = [[] for _ in ways]
    for _ in range(rounds):
        for (engine, train), seconds in zip(ways, taken, strict=True):
            with forced(engine):
                seconds.append(train(n_hidden, places))
    return taken


@contextmanager
def forced(engine: str | None) -> Iterator[None]:
    """Inside, an engine is forced, if one is named."""
    if engine is not None:
        os.environ[ENGINE_VARIABLE] = engine
    try:
        yield
    finally:
        os.environ.pop(ENGINE_VARIABLE, None)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, nargs="+", default=[4, 10])
    parser.add_argument("--places", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    end_after(arguments.epochs)
    print(f"| n_hidden | ms a step and nonce of {arguments.places} together | alone, NumPy | alone, compiled |")
    print("|---|---|---|---|")
    for n_hidden in arguments.hidden:
        medians = [statistics.median(taken) for taken in timed(n_hidden, arguments.places, arguments.rounds)]
        steps = arguments.epochs * DECEMBER_2025.batches * arguments.places
        print(f"| {n_hidden} | {' | '.join(f'{median / steps * 1e3:.2f}' for median in medians)} |", flush=True)


if __name__ == "__main__":
    main()
