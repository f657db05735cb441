"""Rows of the study of the loop, made up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from verifier.challenge.versions import SPECIFICATION
from verifier.experiments.study.loop.rows import Row

ROW = Row(
    study="loop",
    specification=SPECIFICATION,
    edition="december-2025-centred",
    optimiser="SGD",
    digest="89fb8bb49cc0fdac",
    hyperparameters="",
    rates="kept",
    batches=8,
    patience=50,
    n_hidden=4,
    nonce=0,
    epochs=80,
    stop_reason="early-stopping",
    improvements="0:-5000000 10:300000 30:500000",
    fuel_used=8 * 10**8,
    seconds=1.6,
    versions="tig-verify 0.1.0; torch 2.13.0+cpu",
)


def made_up(optimiser: str, batches: int, nonce: int, course: Mapping[int, float], patience: int = 50) -> Row:
    """A training with these qualities at the epochs of its improvements."""
    improvements = " ".join(f"{epoch}:{round(quality * 1e6)}" for epoch, quality in {0: -5.0, **course}.items())
    return replace(
        ROW, optimiser=optimiser, digest=f"{optimiser.encode().hex():0<16.16}", batches=batches, patience=patience,
        nonce=nonce, epochs=max(course) + patience, improvements=improvements,
    )  # fmt: skip
