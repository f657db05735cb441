"""`tig-verify plot`, on claims of the small edition."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from protocol.envelope import seal
from protocol.keys import SigningKey
from protocol.transcript import Transcript
from tests.support.called import Ended, called
from tests.support.changed_claims import changed
from tests.support.small_contest import SMALL, session
from verifier.challenge import scoring
from verifier.challenge.network.weights import read_weights
from verifier.challenge.solving import Solved, solve
from verifier.command_line.text_table import number_text
from verifier.command_line.trying import plot_files
from verifier.experiments.baseline import fit_baseline
from verifier.experiments.prediction_maps import centres, prediction_maps
from verifier.experiments.training_history import claimed_history

pytestmark = pytest.mark.slow

KEY = SigningKey.generate()
CLAIM = Path("sgd.claim")
Call = Callable[..., Ended]


@pytest.fixture(scope="module")
def solved() -> Solved:
    return solve(session())


@pytest.fixture(autouse=True)
def folder(solved: Solved, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    CLAIM.write_bytes(seal(solved.claim, KEY).to_bytes())
    CLAIM.with_suffix(".solution").write_bytes(seal(solved.solution, KEY).to_bytes())
    transcript = Transcript(solved.claim.digest(), solved.training.leaves)
    CLAIM.with_suffix(".transcript").write_bytes(seal(transcript, KEY).to_bytes())


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    return lambda *arguments: called(capsys, "plot", *arguments)


def test_a_claim_becomes_a_picture_beside_it(call: Call) -> None:
    assert call(CLAIM) == Ended(0, "sgd.png\n", "")
    assert Path("sgd.png").read_bytes().startswith(b"\x89PNG")


def test_a_page_has_the_numbers(call: Call, solved: Solved) -> None:
    assert call(CLAIM, "-o", "new/sgd.html") == Ended(0, "new/sgd.html\n", "")
    html = Path("new/sgd.html").read_text()
    assert f"<td>{solved.claim.quality:,}</td>" in html
    assert f"<td>{number_text(solved.score.threshold)}</td>" in html
    assert "heat maps" in html
    assert "http" not in html


def test_a_claim_without_its_solution_has_no_maps(call: Call) -> None:
    CLAIM.with_suffix(".solution").unlink()
    ended = call(CLAIM, "-o", "sgd.html")
    assert ended == Ended(0, "sgd.html\n", "tig-verify: sgd.solution: is not there; the picture has no heat maps\n")
    assert "heat maps" not in Path("sgd.html").read_text()


def test_several_claims_and_a_transcript_in_one_picture(call: Call) -> None:
    shutil.copy(CLAIM, "other.claim")
    assert call(CLAIM, "other.claim", "sgd.transcript", "-o", "all.html").code == 0
    html = Path("all.html").read_text()
    assert '<td class="text">sgd.transcript</td>' in html  # its short name is the claim's too
    assert '<td class="text">other.claim</td>' in html


def test_figures_of_a_training_history(solved: Solved) -> None:
    history = claimed_history("sgd", solved.claim)
    targets = session().instance.train.y.astype(np.float64)
    assert history.threshold == solved.score.threshold
    assert history.test_loss == pytest.approx(solved.score.loss, abs=1e-6)
    assert history.floor == pytest.approx(targets.mean() ** 2, rel=1e-6)
    subset = scoring.test_subset(session().instance_id, solved.claim.best_epoch)
    assert history.baseline_loss == fit_baseline(SMALL, session().instance.train).loss(subset)


def test_prediction_maps_are_those_of_the_networks(solved: Solved) -> None:
    drawn = prediction_maps(solved.claim, solved.solution)
    assert drawn is not None
    same = session()
    weights = read_weights(solved.solution, same.instance_id.track)
    assert weights is not None
    x = np.array([(x1, x2) for x2 in centres() for x1 in centres()], np.float32)
    assert (drawn.best.ravel() == same.network.predict(*weights, x)).all()
    assert drawn.points.shape == (SMALL.points, 2)
    assert (drawn.initial != drawn.best).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sgd.claim", "-o", "sgd.pdf"], "sgd.pdf: a picture is a .png or a .html file; end the name so"),
        (["sgd.claim", "sgd.transcript"], "several files: name the picture with -o, such as -o losses.png"),
        ([f"{n}.claim" for n in range(9)], "9 files are too many for one picture; name at most 8"),
        (["sgd.solution"], "sgd.solution: ends in .solution, as a file beside a claim; name a .claim"),
        (["none.claim"], "none.claim: No such file or directory; check the name"),
        (["sgd.claim", "-o", "sgd.claim/a.png"], "sgd.claim: cannot be written: "),
    ],
    ids="suffix no-name many solution missing folder".split(),
)
def test_mistakes_are_answered(call: Call, arguments: list[str], message: str) -> None:
    ended = call(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"tig-verify: {message}")
    assert ended.err.count("\n") == 1


def test_without_matplotlib_it_says_what_to_install(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> NoReturn:
        raise ImportError

    monkeypatch.setattr(plot_files, "load_matplotlib", fail)
    message = "pictures need matplotlib, which is not installed: pip install 'tig-verify[plots]'"
    assert call(CLAIM) == Ended(2, "", f"tig-verify: {message}\n")


def test_another_claims_solution_is_refused(call: Call, solved: Solved) -> None:
    other = replace(solved.solution, running_means=bytes(len(solved.solution.running_means)))
    CLAIM.with_suffix(".solution").write_bytes(seal(other, KEY).to_bytes())
    ended = call(CLAIM)
    assert ended.code == 2
    assert ended.err.startswith("tig-verify: sgd.solution: the solution is not the one that the claim names")


def test_a_claim_of_no_epoch_or_of_no_edition_is_refused(call: Call, solved: Solved) -> None:
    none = replace(solved.claim, epochs=0, best_epoch=0, train_losses=(), validation_losses=())
    CLAIM.write_bytes(seal(none, KEY).to_bytes())
    ended = call(CLAIM)
    assert ended == Ended(2, "", "tig-verify: sgd.claim: not one epoch was completed; there is nothing to draw\n")
    CLAIM.write_bytes(seal(changed(solved.claim, edition="may-2031"), KEY).to_bytes())
    ended = call(CLAIM)
    assert ended.code == 2
    assert ended.err.startswith("tig-verify: sgd.claim: unknown edition 'may-2031'")
