"""The learning problems: labels, where points are, and that no test image is one for training."""

from __future__ import annotations

import numpy as np
import pytest

from verifier.experiments.study.feedback.datasets import PIXELS, TESTS, Clusters, Distribution, Parity, digits


def test_images_are_normalised() -> None:
    images, classes = digits()
    assert images.shape == (1797, PIXELS)
    assert (images.mean(), images.std()) == (pytest.approx(0.0, abs=1e-5), pytest.approx(1.0, abs=1e-5))
    assert set(classes) == set(range(10))


@pytest.mark.parametrize("k", [1, 3])
def test_labels_are_parities_of_sums(k: int) -> None:
    images, classes = digits()
    known = {image.tobytes(): digit for image, digit in zip(images, classes, strict=True)}
    x, labels = Parity(k, 50, np.random.default_rng(0)).epoch()
    for stack, label in zip(x, labels[:, 0], strict=True):
        assert sum(known[part.tobytes()] for part in stack.reshape(k, PIXELS)) % 2 == label


def test_epochs_are_new_and_tests_have_images_of_their_own() -> None:
    problem = Parity(3, 500, np.random.default_rng(1))
    (one, _), (other, _), (test, _) = problem.epoch(), problem.epoch(), problem.test()
    assert not np.array_equal(one, other)
    assert len(test) == TESTS
    seen, tested = ({part.tobytes() for part in x.reshape(-1, PIXELS)} for x in (one, test))
    assert not seen & tested
    assert sorted([*problem.train_images, *problem.test_images]) == list(range(1797))


def test_points_are_uniform_on_discs_with_labels() -> None:
    distribution = Distribution(np.array([[0, 0, 1], [1, 0, 0], [0, 1, 1]], bool))
    x, labels = distribution.draw(20_000, 4, np.random.default_rng(2))
    cells = np.rint(x[:, :2] / 0.375).astype(int)
    shifts = np.linalg.norm(x[:, :2] - 0.375 * cells, axis=1)
    assert shifts.max() <= 0.125 + 1e-6
    assert np.mean(shifts < 0.125 / np.sqrt(2.0)) == pytest.approx(0.5, abs=0.015)  # half the area
    assert np.array_equal(labels[:, 0], distribution.labels[cells[:, 0] + 1, cells[:, 1] + 1])
    assert np.abs(x).max() <= 0.5
    assert x[:, 2:].std() == pytest.approx(1.0 / np.sqrt(12.0), abs=0.005)
    assert len(np.unique(cells, axis=0)) == 9


def test_an_epoch_has_the_same_points_in_another_order() -> None:
    problem = Clusters(5, 64, np.random.default_rng(3))
    (one, labels), (other, _) = problem.epoch(), problem.epoch()
    assert not np.array_equal(one, other)
    assert np.array_equal(np.sort(one, axis=0), np.sort(other, axis=0))
    assert problem.test()[0] is problem.test()[0]
    assert 0.0 < labels.mean() < 1.0
