"""Rows of a study, made up."""

from __future__ import annotations

from dataclasses import replace

from verifier.challenge.versions import SPECIFICATION
from verifier.experiments.study.figure2.rows import Row

ROW = Row(
    study="figure2",
    specification=SPECIFICATION,
    edition="april-2025",
    optimiser="SGD",
    digest="89fb8bb49cc0fdac",
    hyperparameters="lr=0.01",
    n_hidden=1,
    n_data=1024,
    nonce=0,
    epochs=100,
    best_epoch=50,
    stop_reason="early-stopping",
    train_loss=0.05,
    validation_loss=0.06,
    test_error=0.08,
    centred_error=0.07,
    noise=0.04,
    threshold=0.16,
    floor=0.01,
    subset_error=0.1,
    quality=375_000,
    fuel_used=10**9,
    seconds=5.25,
    versions="tig-verify 0.1.0; torch 2.13.0+cpu",
)


def made_up(
    optimiser: str, n_hidden: int, nonce: int, test_error: float, epochs: int = 100, n_data: int = 1024,
    floor: float = 0.01,
) -> Row:  # fmt: skip
    return replace(
        ROW, optimiser=optimiser, digest=f"{optimiser.encode().hex():0<16.16}", n_hidden=n_hidden, nonce=nonce,
        test_error=test_error,
        centred_error=test_error - 0.01, epochs=epochs, n_data=n_data, floor=floor,
    )  # fmt: skip
