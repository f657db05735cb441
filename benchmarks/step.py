"""Time of one training step, side by side: plain eager PyTorch against this toolkit, in process and in a worker.

    python -m benchmarks.step [--hidden 1 4 10] [--rounds 7] [--epochs 6]

Each round trains the same network on the same data with Adam for a few epochs in each way, one after the other, on
one thread; an epoch is 8 steps, a validation and, if it is the best so far, a copy of the weights. Ours includes the
transcript. Printed are medians over the rounds, and the median of the ratios within a round. Absolute times say little
on a shared machine; the ratios are what counts. The last line is the work of `evaluate` on a claim.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import nn

from arithmetic import engine_choice
from arithmetic.allocator import keep_freed_memory
from protocol.envelope import seal
from protocol.keys import SigningKey
from protocol.settings import Settings
from protocol.task import Task
from protocol.verdict import Level, Outcome
from sandbox.isolation import InProcess, Isolation, Jail
from verifier.challenge.editions import DECEMBER_2025, EDITIONS
from verifier.challenge.instance.instance import Instance
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.module import Module
from verifier.challenge.network.kernel_choice import training_kernels
from verifier.challenge.network.network import Architecture, initial_weight
from verifier.challenge.session import Session
from verifier.challenge.solving import solve
from verifier.verification.context import Evidence
from verifier.verification.verify import verify

SHORT = "short"
"""The edition of December, but for the number of epochs."""
ADAM = Path(__file__).parents[1] / "fixtures" / "optimisers" / "adam.py"


def session(n_hidden: int, isolation: Isolation, fuel_budget: int = DECEMBER_2025.max_fuel_budget) -> Session:
    """A training with Adam."""
    module = Module(ADAM.name, ADAM.read_bytes())
    settings = Settings("", "", "c006", "", f"n_hidden={n_hidden}")
    return Session(Task(SHORT, settings, module.digest, {}, fuel_budget, "0" * 32), 0, module, isolation)


class Plain:
    """The same network in eager PyTorch, with autograd and torch.optim.Adam."""

    def __init__(self, instance_id: InstanceId) -> None:
        architecture = Architecture(instance_id.track)
        layers: list[nn.Module] = []
        for i in range(architecture.n_hidden + 2):
            out, inputs = architecture.shape(i)
            linear = nn.Linear(inputs, out)
            with torch.no_grad():
                linear.weight.copy_(initial_weight(instance_id, i))
                linear.bias.zero_()
            layers.append(linear)
            if i < architecture.normed_layers:
                layers += [nn.ReLU(), nn.BatchNorm1d(out)]
        self.network = nn.Sequential(*layers)
        for module in layers[-4:]:
            module.requires_grad_(False)
        self.best = float("inf")
        self.optimiser = torch.optim.Adam([p for p in self.network.parameters() if p.requires_grad], lr=0.001)

    def epoch(self, instance: Instance) -> None:
        self.network.train()
        order = torch.randperm(len(instance.train.x))
        for index in order.split(125):
            x, y = instance.train.x[index], instance.train.y[index]
            loss = (self.network(x).squeeze(1) - y).square().mean()
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            loss.item()
        self.network.eval()
        with torch.no_grad():
            loss = (self.network(instance.validation.x).squeeze(1) - instance.validation.y).square().mean()
        if loss.item() < self.best:
            self.best, self.best_state = loss.item(), {k: v.clone() for k, v in self.network.state_dict().items()}


def plain_step(n_hidden: int, epochs: int) -> float:
    """Seconds a step, without the first epoch."""
    given = session(n_hidden, InProcess())
    plain, instance = Plain(given.instance_id), given.instance
    plain.epoch(instance)
    started = time.perf_counter()
    for _ in range(epochs - 1):
        plain.epoch(instance)
    return (time.perf_counter() - started) / (epochs - 1) / DECEMBER_2025.batches


def our_step(n_hidden: int, isolation: Isolation) -> float:
    """Seconds a step, without the first epoch; transcript, validation and channel included."""
    ends: list[float] = []
    session(n_hidden, isolation).train(lambda _: ends.append(time.perf_counter()))
    return (ends[-1] - ends[0]) / (len(ends) - 1) / DECEMBER_2025.batches


def evaluate_milliseconds(rounds: int) -> float:
    """The work of verifying a claim at level `evaluate`, signatures included; fuel for two epochs makes it quickly."""
    solved, key = solve(session(4, InProcess(), fuel_budget=60_000_000)), SigningKey.generate()
    evidence = Evidence(seal(solved.claim, key), seal(solved.solution, key))
    assert verify(evidence, Level.EVALUATE, InProcess()).outcome is Outcome.ACCEPTED
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        verify(evidence, Level.EVALUATE, InProcess())
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, nargs="+", default=[1, 4, 10])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--epochs", type=int, default=6)
    options = parser.parse_args()
    keep_freed_memory()  # as the command line and the worker do; plain PyTorch gets it too
    torch.set_num_threads(1)
    EDITIONS[SHORT] = (replace(DECEMBER_2025, name=SHORT, max_epochs=options.epochs),)
    kernels = training_kernels().name
    print(f"engine {engine_choice.engine().name}, kernels {kernels}")
    print("n_hidden   plain ms  in-process ms  worker ms   in-process/plain  worker/in-process")
    with Jail() as jail:
        compare(jail, options)
    print(f"evaluate of a claim at n_hidden=4: {evaluate_milliseconds(options.rounds * 3):.1f} ms")


def compare(jail: Jail, options: argparse.Namespace) -> None:
    for n_hidden in options.hidden:
        ways: list[Callable[[], float]] = [
            partial(plain_step, n_hidden, options.epochs),
            partial(our_step, n_hidden, InProcess()),
            partial(our_step, n_hidden, jail),
        ]
        rounds = [[way() for way in ways] for _ in range(options.rounds)]
        plain, ours, worker = (statistics.median(r[i] for r in rounds) * 1000 for i in range(3))
        to_plain = statistics.median(r[1] / r[0] for r in rounds)
        to_ours = statistics.median(r[2] / r[1] for r in rounds)
        print(f"{n_hidden:8d} {plain:10.2f} {ours:14.2f} {worker:10.2f} {to_plain:18.2f} {to_ours:18.3f}")


if __name__ == "__main__":
    main()
