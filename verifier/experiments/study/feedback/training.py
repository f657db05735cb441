"""The training of one setting: the same numbers again on the same machine, with the same NumPy and one thread."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from verifier.experiments.study.feedback.alignment import gradient_alignment, weight_alignment
from verifier.experiments.study.feedback.datasets import PIXELS, TESTS, Clusters, Examples, Parity, Problem
from verifier.experiments.study.feedback.learners import Learner, Method, initial_learner
from verifier.experiments.study.feedback.matrices import MatrixKind
from verifier.experiments.study.feedback.networks import accuracy, cross_entropy
from verifier.experiments.study.feedback.optimisers import OPTIMISERS, Optimiser
from verifier.experiments.study.feedback.rows import PARITY, Setting

BATCH = 32


@dataclass
class History:
    """What was measured, in the order of the epochs."""

    train_accuracies: list[float] = field(default_factory=list)
    test_accuracies: list[float] = field(default_factory=list)
    weight_alignments: list[float] = field(default_factory=list)
    gradient_alignments: list[float] = field(default_factory=list)
    train_loss: float = math.inf
    test_loss: float = math.inf

    def measure(self, learner: Learner, train: Examples, test: Examples) -> None:
        """Add a point to every curve, and let the losses be those of now."""
        network, (x, labels), (test_x, test_labels) = learner.network, train, test
        logits, test_logits = network.forward(x).logits, network.forward(test_x).logits
        self.train_accuracies.append(accuracy(logits, labels))
        self.test_accuracies.append(accuracy(test_logits, test_labels))
        self.weight_alignments.append(weight_alignment(network, learner.rule))
        self.gradient_alignments.append(gradient_alignment(network, x, labels, learner.rule))
        losses = (cross_entropy(logits, labels), cross_entropy(test_logits, test_labels))
        self.train_loss, self.test_loss = (loss if math.isfinite(loss) else math.inf for loss in losses)


@dataclass(frozen=True, eq=False)
class Trained:
    """A learner at its end."""

    learner: Learner
    problem: Problem
    history: History


def train(setting: Setting) -> Trained:
    """Train to the end. Everything random is drawn from generators of the seed.

    Problems and initial networks of a seed are the same for all methods, so that these can be compared in pairs.
    """
    problem_seed, learner_seed = np.random.SeedSequence(setting.seed).spawn(2)
    problem = _problem(setting, np.random.default_rng(problem_seed))
    sizes = (setting.inputs, *[setting.width] * setting.hidden_layers, 1)
    matrix = MatrixKind(setting.matrix or MatrixKind.UNIFORM)
    learner = initial_learner(Method(setting.method), matrix, sizes, np.random.default_rng(learner_seed))
    optimiser = OPTIMISERS[setting.optimiser](setting.rate, learner.parameters.size)
    history = History()
    with np.errstate(all="ignore"):  # a rate that is too high ends in numbers that are not finite
        if setting.problem == PARITY:
            history.measure(learner, _some(problem.epoch()), problem.test())
        for epoch in range(1, setting.epochs + 1):
            examples = problem.epoch()
            _pass(learner, optimiser, examples)
            if setting.problem == PARITY or epoch == setting.epochs:
                history.measure(learner, _some(examples), problem.test())
    return Trained(learner, problem, history)


def _problem(setting: Setting, generator: np.random.Generator) -> Problem:
    if setting.problem == PARITY:
        return Parity(setting.inputs // PIXELS, setting.examples, generator)
    return Clusters(setting.inputs, setting.examples, generator)


def _some(examples: Examples) -> Examples:
    """As many as a test has: what is measured on train examples."""
    x, labels = examples
    return x[:TESTS], labels[:TESTS]


def _pass(learner: Learner, optimiser: Optimiser, examples: Examples) -> None:
    x, labels = examples
    for start in range(0, len(x), BATCH):
        batch = slice(start, start + BATCH)
        optimiser.step(learner.parameters, learner.gradient(x[batch], labels[batch]))
