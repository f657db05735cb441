"""Every implementation of the passes meets the vectors, and every mistake that they are made for does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from arithmetic import engine_choice
from tests.golden.golden_run import named
from tests.golden.second_implementation import EDITIONS, digest_of
from tests.reference import network, training
from tests.reference.arithmetic import Quantised, mean_square, product, quantise
from tests.reference.instance import Points, draw_instance
from tests.reference.network import Layer, Trace
from tests.reference.optimiser import Submission
from tests.reference.streams import Streams
from tests.vectors.files import recorded
from tests.vectors.mistakes import MISTAKES, caught, whole
from tests.vectors.passes import EPSILON, PIECES
from tests.vectors.texts import Vector, binary32, binary64, hexadecimals, numbers
from verifier.challenge.network.eager_passes import EagerPasses
from verifier.challenge.network.network import Batch
from verifier.challenge.network.statistics import Statistics

pytestmark = pytest.mark.slow

Single = NDArray[np.float32]

FILE: dict[str, list[Vector]] = recorded("passes")
ALL = [(section, vector) for section in PIECES for vector in FILE[section]]


def vectors(section: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", FILE[section], ids=lambda v: v.get("about") or v.get("golden_run") or "")


def meets(vector: Vector, found: Vector) -> None:
    assert {key: vector[key] for key in found} == found


# The product


@pytest.mark.parametrize(("section", "vector"), ALL, ids=lambda v: v if isinstance(v, str) else v.get("about", ""))
def test_the_passes(section: str, vector: Vector) -> None:
    meets(vector, PIECES[section](EagerPasses(engine_choice.engine(), vector["bits"], EPSILON), vector))


@vectors("first_batches")
def test_the_network_that_is_trained_takes_the_first_batch(vector: Vector) -> None:
    (run,) = named([vector["golden_run"]])
    session, rows = run.session(), slice(*vector["points"])
    network, train, validation = session.network, session.instance.train, session.instance.validation
    statistics, gradient = Statistics.initial(network.architecture), np.empty_like(session.initial)
    batch = network.batch(train.x[rows], train.y[rows])
    loss = network.loss_and_gradient(session.initial, statistics, batch, gradient)
    after = network.loss(session.initial, statistics, network.batch(validation.x, validation.y))
    meets(vector, {"loss": loss.hex(), "validation_loss": after.hex()})
    means, variances = digest_of(statistics.means), digest_of(statistics.variances)
    meets(vector, {"running_means_digest": means, "running_variances_digest": variances})
    parts = zip(network.layout.parts, network.layout.views(gradient), strict=True)
    assert {part.name: digest_of(piece) for part, piece in parts} == {
        name: part["digest"] for name, part in vector["gradient"].items()
    }


@vectors("train_losses")
def test_the_trainer_weighs_losses(vector: Vector, monkeypatch: pytest.MonkeyPatch) -> None:
    (run,) = named([vector["golden_run"]])
    session, losses, sizes = run.session(), iter(numbers(vector["losses"])), []

    def given(parameters: Single, statistics: Statistics, batch: Batch, gradient: Single) -> float:
        sizes.append(len(batch.targets))
        return float(next(losses))

    monkeypatch.setattr(session.network, "loss_and_gradient", given)
    with session.trainer() as trainer:
        trainer.start(session.initial)
        trainer.advance()
    assert sizes == vector["sizes"]
    assert trainer.losses[0][0].hex() == vector["train_loss"]


# The second implementation


def quantised(vector: Vector, name: str) -> Quantised:
    return quantise(binary32(vector[name]), vector["bits"])


def layer(vector: Vector) -> Layer:
    return Layer(quantised(vector, "weight"), *(binary32(vector[name]) for name in ("bias", "gamma", "beta")))


def shown(**arrays: Any) -> Vector:
    return {name: hexadecimals(array) for name, array in arrays.items()}


@vectors("quantising")
def test_second_quantising(vector: Vector) -> None:
    meets(vector, whole(quantised(vector, "matrix"), vector["bits"]))


@vectors("products")
def test_second_product(vector: Vector) -> None:
    meets(vector, shown(product=product(quantised(vector, "left"), quantised(vector, "right"))))


@vectors("relu")
def test_second_relu(vector: Vector) -> None:
    x = binary32(vector["numbers"])
    none = Quantised(np.zeros((1, len(x))), 0)
    meets(vector, shown(relu=network.rectified(Quantised(np.zeros((1, 1)), 0), Layer(none.T, x, x, x))[0]))


@vectors("forward")
def test_second_forward_pass(vector: Vector) -> None:
    trace, following = network.forward(quantised(vector, "h"), layer(vector))
    size = len(trace.z)
    mean = network.average(binary32(vector["running_mean"]), trace.s1 / size)
    variance = network.average(binary32(vector["running_variance"]), trace.s2 / (size - 1))
    meets(vector, shown(z=trace.z, s1=trace.s1, c=trace.c, s2=trace.s2, nu=trace.nu, s=trace.s))
    meets(vector, {"following_h": whole(following, vector["bits"])})
    meets(vector, shown(following_running_mean=mean, following_running_variance=variance))


@vectors("evaluation")
def test_second_evaluation(vector: Vector) -> None:
    running = (binary32(vector[name]) for name in ("running_mean", "running_variance"))
    following = network.evaluated(quantised(vector, "h"), layer(vector), *running)
    meets(vector, {"following_h": whole(following, vector["bits"])})


@vectors("losses")
def test_second_loss(vector: Vector) -> None:
    assert mean_square(binary32(vector["outputs"]) - binary32(vector["targets"])).hex() == vector["loss"]


@vectors("backward")
def test_second_backward_pass(vector: Vector) -> None:
    z, c, s = (binary32(vector[name]) for name in ("z", "c", "s"))
    nu, nothing = binary64(vector["nu"]), np.zeros(z.shape[1])
    trace = Trace(quantised(vector, "h"), z, nothing, c, nothing, nu, s)
    following, gradient = network.backward(quantised(vector, "d"), quantised(vector, "weight"), trace)
    meets(vector, {"following_d": whole(following, vector["bits"])})
    meets(vector, shown(weight_gradient=gradient.weight, bias_gradient=gradient.bias))
    meets(vector, shown(norm_weight_gradient=gradient.gamma, norm_bias_gradient=gradient.beta))


class GivenLosses(training.Training):
    """A training whose batches have the losses of a vector."""

    given: Iterator[float]

    def step(self, t: int, batch: Points) -> float:
        return next(self.given)


@vectors("train_losses")
def test_second_trainer_weighs_losses(vector: Vector) -> None:
    (run,) = named([vector["golden_run"]])
    streams = Streams(run.edition, run.session().instance_id.seed)
    submission = Submission(run.module.source, {}, run.task.fuel_budget)
    given = GivenLosses(EDITIONS[run.edition], streams, run.n_hidden, submission)
    given.given = iter(numbers(vector["losses"]))
    given.epoch(0)
    assert given.losses[0].hex() == vector["train_loss"]


@vectors("first_batches")
def test_second_first_batch(vector: Vector) -> None:
    (run,) = named([vector["golden_run"]])
    edition, session = EDITIONS[run.edition], run.session()
    streams = Streams(edition.name, session.instance_id.seed)
    instance, net = draw_instance(edition, streams), network.Network(run.n_hidden, streams)
    w, before = network.initial_parameters(streams, run.n_hidden), network.initial_statistics(run.n_hidden)
    loss, gradient, after = net.train(w, before, instance.train[slice(*vector["points"])])
    meets(vector, {"loss": loss.hex(), "validation_loss": net.evaluate(w, after, instance.validation).hex()})
    meets(
        vector, {"running_means_digest": digest_of(after.means), "running_variances_digest": digest_of(after.variances)}
    )
    parts = session.network.layout.parts
    pieces = np.split(gradient, np.cumsum([part.size for part in parts])[:-1])
    digests = {part.name: digest_of(piece) for part, piece in zip(parts, pieces, strict=True)}
    assert digests == {name: part["digest"] for name, part in vector["gradient"].items()}


# The mistakes


@pytest.mark.parametrize("section", MISTAKES)
def test_every_mistake_gives_another_result_in_some_vector(section: str) -> None:
    told_apart: set[str] = set()
    for vector in FILE[section]:
        found = caught(section, vector)
        assert found == vector["catches"]
        told_apart |= found.keys()
    assert told_apart == MISTAKES[section].keys()
