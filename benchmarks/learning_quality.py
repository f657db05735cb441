"""Does the arithmetic of the network's products cost learning quality? The same trainings in six arithmetics.

    python -m benchmarks.learning_quality                # train what is missing, one line of results for each run
    python -m benchmarks.learning_quality --report       # tables of paired differences (Markdown)
    python -m benchmarks.learning_quality --tune         # the search for the learning rates, on other instances

`docs/learning-quality.md` has the method. A run can be killed at any time and started again; instances come one
after the other, so what there is is always a paired design.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Iterable
from dataclasses import asdict
from itertools import product
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from arithmetic import random
from arithmetic.allocator import keep_freed_memory
from benchmarks.learning_quality_arms import ARMS, Network
from benchmarks.learning_quality_tables import Report, Run, read_runs
from protocol.settings import Settings, instance_seed
from verifier.challenge.editions import DECEMBER_2025_CENTRED as EDITION
from verifier.challenge.editions import Track
from verifier.challenge.instance.instance import Points, draw_instance
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.network.architecture import initial_parameters
from verifier.challenge.network.eager_network import EagerNetwork
from verifier.challenge.network.statistics import Statistics

RESULTS = Path(__file__).parent / "results" / "learning_quality.jsonl"
TUNING_INSTANCES = range(1000, 1003)
SIX = ("14/tensor", "14/row", "22/tensor", "22/row", "unquantised", "float32")
REFERENCES = ("unquantised", "float32")
METHODS = ("momentum", "adam", "lion")
EPOCHS = {4: 20, 10: 16, 18: 12}
"""Epochs at each depth: what fits into two hours of one core."""
LEARNING_RATES = {
    "momentum": {4: 0.003, 10: 0.01, 18: 0.01},
    "adam": {4: 0.03, 10: 0.01, 18: 0.01},
    "lion": {4: 0.0003, 10: 0.001, 18: 0.001},
}
"""At the first step; the best of `--tune`, which searches with plain PyTorch (arm `float32`)."""
SEARCHED = {
    "momentum": (0.001, 0.003, 0.01, 0.03, 0.1, 0.3),
    "adam": (0.001, 0.003, 0.01, 0.03, 0.1),
    "lion": (0.0001, 0.0003, 0.001, 0.003),
}


class Method:
    """One of the methods, on flat binary32 parameters [P]; every arm gets the same operations."""

    def __init__(self, name: str, parameters: torch.Tensor) -> None:
        self._name, self._parameters, self._steps = name, parameters, 0
        self._m, self._v = torch.zeros_like(parameters), torch.zeros_like(parameters)

    def step(self, gradient: torch.Tensor, rate: float) -> None:
        """Move the parameters; the gradient [P] is overwritten."""
        self._steps += 1
        m, v = self._m, self._v
        if self._name == "momentum":
            self._parameters.sub_(m.mul_(0.9).add_(gradient) * rate)
        elif self._name == "adam":
            m.mul_(0.9).add_(gradient * (1.0 - 0.9))
            v.mul_(0.999).add_(gradient.mul_(gradient).mul_(1.0 - 0.999))
            root = (v / (1.0 - 0.999**self._steps)).sqrt_().add_(1e-8)
            self._parameters.sub_(root.reciprocal_().mul_(m).mul_(rate / (1.0 - 0.9**self._steps)))
        else:  # Lion, without weight decay: the sign of one average, while another is kept
            self._parameters.sub_((m * 0.9).add_(gradient * (1.0 - 0.9)).sign_().mul_(rate))
            m.mul_(0.99).add_(gradient.mul_(1.0 - 0.99))


def study_id(instance: int, n_hidden: int) -> InstanceId:
    """An instance of the study."""
    track = Track(EDITION, n_hidden)
    return InstanceId(track, instance_seed(Settings("", "", "c006", "", track.id), "learning quality", instance))


def train(number: int, n_hidden: int, method: str, arm: str, rate: float) -> Run:
    """One training, and the test error of the weights with the lowest validation loss."""
    started, epochs = time.perf_counter(), EPOCHS[n_hidden]
    instance_id = study_id(number, n_hidden)
    instance, trained = draw_instance(instance_id), ARMS[arm](instance_id)
    parameters = torch.from_numpy(initial_parameters(instance_id))
    gradient, optimiser = torch.empty_like(parameters), Method(method, parameters)
    best = (math.inf, 0, math.inf, math.inf)
    parts = (torch.from_numpy(values).split(EDITION.batch_sizes) for values in (instance.train.x, instance.train.y))
    batches = list(zip(*parts, strict=True))
    for epoch in range(epochs):
        words = instance_id.stream("shuffle", epoch).words(0, EDITION.batches)
        for j, index in enumerate(random.permutation(words)):
            x, y = batches[index]
            trained.differentiate(parameters, x, y, gradient)
            optimiser.step(gradient, rate * (1.0 - (epoch + j / EDITION.batches) / epochs))
        loss = mean_square(outputs(trained, parameters, instance.validation) - instance.validation.y)
        if loss < best[0]:
            output = outputs(trained, parameters, instance.test)
            best = loss, epoch + 1, mean_square(output - instance.test.f), mean_square(output - instance.test.y)
    seconds = round(time.perf_counter() - started, 2)
    return Run(number, n_hidden, method, arm, epochs, rate, best[1], best[0], best[2], best[3], seconds)


def outputs(network: Network, parameters: torch.Tensor, points: Points) -> NDArray[np.float32]:
    """The outputs [N] at points, in evaluation mode."""
    found: NDArray[np.float32] = network.predict(parameters, torch.from_numpy(points.x)).numpy()
    return found


def mean_square(residual: NDArray[np.float32]) -> float:
    """The mean square of residuals [B], added in binary64."""
    return torch.from_numpy(residual).double().square_().mean().item()


def check_formulas() -> None:
    """The arm of the edition's width is the product's network, bit for bit: two steps, with moving parameters."""
    instance_id = study_id(0, 4)
    instance, parameters = draw_instance(instance_id), torch.from_numpy(initial_parameters(instance_id))
    arm = f"{EDITION.operand_bits}/tensor"
    theirs, ours = EagerNetwork(instance_id), ARMS[arm](instance_id)
    statistics = Statistics.initial(theirs.architecture)
    gradient, expected = torch.empty_like(parameters), torch.empty_like(parameters)
    optimiser = Method("lion", parameters)
    for part in (slice(125), slice(125, 250)):
        x, y = instance.train.x[part], instance.train.y[part]
        theirs.loss_and_gradient(parameters.numpy(), statistics, theirs.batch(x, y), expected.numpy())
        ours.differentiate(parameters, torch.from_numpy(x), torch.from_numpy(y), gradient)
        pairs = (
            (gradient.numpy(), expected.numpy()),
            (ours.means.numpy(), statistics.means),
            (ours.variances.numpy(), statistics.variances),
        )
        assert all(np.array_equal(a, b) for a, b in pairs), f"arm {arm} differs from the product's network"
        optimiser.step(gradient, 0.01)
    expected_outputs = theirs.predict(parameters.numpy(), statistics, instance.validation.x)
    assert np.array_equal(outputs(ours, parameters, instance.validation), expected_outputs)


def repair(path: Path) -> None:
    """Cut off the half of a line that a killed process may have left at the end of the results."""
    text = path.read_bytes() if path.exists() else b""
    if not text.endswith(b"\n") and text:
        os.truncate(path, text.rfind(b"\n") + 1)


def append(path: Path, run: Run) -> None:
    """Add one line to the results in a single write, so that processes can share them."""
    with path.open("ab", buffering=0) as file:
        file.write(json.dumps(asdict(run)).encode() + b"\n")
        os.fsync(file.fileno())


def study(path: Path, instances: range, arms: Iterable[str]) -> None:
    """Train what the results lack, instance by instance."""
    check_formulas()
    repair(path)
    done = {run.key for run in read_runs(path)}
    for number in instances:
        for n_hidden, method, arm in product(EPOCHS, METHODS, arms):
            if (number, n_hidden, method, arm) not in done:
                append(path, train(number, n_hidden, method, arm, LEARNING_RATES[method][n_hidden]))
        print(f"instance {number} done", flush=True)


def tune(n_hidden: int) -> None:
    """Print the geometric mean of the validation losses for each learning rate searched."""
    for method, rates in SEARCHED.items():
        for rate in rates:
            runs = [train(number, n_hidden, method, "float32", rate) for number in TUNING_INSTANCES]
            mean = math.exp(sum(math.log(run.validation_loss) for run in runs) / len(runs))
            print(f"{n_hidden} {method} {rate}: {mean:.4f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--instances", type=int, nargs=2, metavar=("FIRST", "STOP"), default=(0, 30))
    parser.add_argument("--arms", nargs="+", choices=list(ARMS), default=SIX)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--report", action="store_true")
    what.add_argument("--tune", type=int, metavar="N_HIDDEN", choices=list(EPOCHS))
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1)
    with torch.no_grad():
        if options.report:
            print(Report(read_runs(options.results), options.arms, REFERENCES).markdown())
        elif options.tune:
            tune(options.tune)
        else:
            study(options.results, range(*options.instances), options.arms)


if __name__ == "__main__":
    main()
