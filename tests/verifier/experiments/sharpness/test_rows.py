"""The rows of the study: as lines and back, and what is none."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from verifier.experiments.study.sharpness.observations import Results, observations
from verifier.experiments.study.sharpness.rows import (
    STUDY,
    Connection,
    Descent,
    DescentSettings,
    End,
    Lazy,
    LazySettings,
    Linear,
    LinearSettings,
    PathSettings,
    Row,
    Sharpness,
    Spectrum,
    figure,
)
from verifier.runs.row_formats import json_rows

DESCENT = Descent(
    DescentSettings(2, 0, True, 0.05, 0.0, 1000, 3, 2, 1),
    parameters=10,
    losses=(4.0, 5.0, 3.0, 2.0),
    points=tuple(Sharpness(step, value, 1.5) for step, value in ((0, 80.0), (1, 30.0), (2, 38.0), (3, 42.0))),
    spectra=(Spectrum(0, (-1.0, 0.0, 80.0), (0.1, 0.6, 0.3)),),
    kernel_drift=0.5,
    rescaled_loss=2.0,
    rescaled_sharpness=10.5,
)
LINEAR = Linear(LinearSettings(0, 0.02, 1), (4.0, 2.0), (3.0, 2.0), 1.0, (1.0, 1.0, 0.96, 0.98), 0.0)
LAZY = Lazy(LazySettings(16, 1.0, 0.5, True, 0, 9), 0.1, 0.2, 0.1, 9, 0.001, 0.05, 0.06)
CONNECTION = Connection(
    PathSettings(2, 0, End.MOMENTUM, End.ADAM, 1, 5, 3),
    (1.0, 5.0, 2.0),
    (1.0, 4.0, 2.0),
    (1.0, 2.5, 2.0),
    (1.0,) * 3,
    0.3,
)
ROW = Row(STUDY, 2, DESCENT, None, None, None, 1.5, "python 3.11")
ROWS = [
    ROW,
    replace(ROW, descent=None, linear=LINEAR),
    replace(ROW, descent=None, lazy=LAZY),
    replace(ROW, descent=None, connection=CONNECTION),
]
FORMAT = json_rows(Row, "study sharpness")


@pytest.mark.parametrize("row", ROWS, ids=["descent", "linear", "lazy", "connection"])
def test_a_row_is_its_line(row: Row) -> None:
    assert FORMAT.read(FORMAT.write(row)) == row
    assert FORMAT.read(FORMAT.write(row)).key == row.key == (2, row.result.settings)
    assert FORMAT.write(row).startswith(FORMAT.begins)


def test_seconds_and_versions_do_not_tell_rows_apart() -> None:
    assert replace(ROW, seconds=2.0, versions="python 3.12") == ROW


@pytest.mark.parametrize(
    ("record", "changes", "name"),
    [
        (ROW, {"study": "figure2"}, "study"),
        (ROW, {"linear": LINEAR}, "descent, linear"),
        (ROW, {"descent": None}, "descent, linear"),
        (ROW, {"seconds": -1.0}, "seconds"),
        (DESCENT, {"losses": ()}, "losses"),
        (DESCENT, {"losses": (1.0, math.inf, 1.0, 1.0)}, "losses"),
        (DESCENT, {"losses": (1.0, 1.0)}, "points"),
        (DESCENT.spectra[0], {"weights": (1.0,)}, "weights"),
        (LINEAR, {"errors": (1.0,)}, "errors"),
        (LAZY, {"kappa": 0.0}, "kappa"),
        (LAZY, {"test_loss": math.nan}, "test_loss"),
        (CONNECTION, {"line_test": (1.0, 2.0)}, "line_test"),
        (CONNECTION, {"curve_train": ()}, "curve_train"),
    ],
)
def test_what_no_trial_gives_is_refused_by_name(record: Row, changes: dict[str, object], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}"):
        replace(record, **changes)  # type: ignore[arg-type]


def test_numbers_are_rounded_as_binary32_is() -> None:
    assert figure(1.0 / 3.0) == 0.3333333
    assert figure(123456789.0) == 123456800.0


def test_the_observations_are_those_by_hand() -> None:
    other = replace(DESCENT, settings=replace(DESCENT.settings, nonce=1, probes=0), spectra=())
    results = Results.of([*ROWS, replace(ROW, descent=other)])
    text = "\n".join(observations(results))
    assert "rate 0.02 x 2 / beta: the loss rose in 0 of 1 steps, is 2 at the end (least 1)" in text
    # The flow of the first error after a time of 0.04 x 2 / 4 / 2 is exp(-0.04), of which 0.96 is 0.0008 off.
    assert "errors are at most 0.08% of the largest off the flow's" in text
    assert "over 2 instances, L = 2, rate 0.05: 0.917 x the edge" in text  # (30 + 38 + 42) / 3 / 40
    assert "80 at first, then 0.92 x the edge of 40 (0.75 to 1.05); train loss 5.0000 in the middle, 2.0000" in text
    assert "it rose in 0% of the steps of that half" in text
    assert "below: the loss fell in 4 of 4 measured steps" in text
    assert "above: the loss fell in 0 of 2 measured steps" in text
    assert "from -1 to 80; about 3 of 10 above a tenth of the largest, 60.00% within a thousandth of it" in text
    assert "from momentum to Adam: line 3.000 (2.000), curve 0.500 (0.000); train loss rose in 1 steps" in text


def test_flat_ends_are_compared_instance_by_instance() -> None:
    rows = []
    for nonce, rate, test_loss in ((0, 0.05, 1.5), (1, 0.05, 1.6), (0, 0.2, 1.4), (1, 0.2, 1.4), (1, 0.5, 9.0)):
        settings = replace(DESCENT.settings, nonce=nonce, rate=rate, probes=0)
        points = (Sharpness(3, 40.0, test_loss),)
        rows.append(replace(ROW, descent=replace(DESCENT, settings=settings, points=points, spectra=())))
    text = "\n".join(observations(Results.of(rows)))
    assert "rate 0.2 less rate 0.05, L = 2, 2 instances: -0.15 (95%: -0.785 to 0.485)" in text
