"""Golden instances: whole ones where they are quick, else what a quick check draws."""

from __future__ import annotations

import pytest

from tests.verifier.challenge.instance.instance_vectors import (
    INSTANCES,
    Vector,
    identity,
    recorded,
    subset_digest,
    vector,
)
from verifier.challenge.editions import APRIL_2025, DECEMBER_2025, DECEMBER_2025_CENTRED

KNOWN = list(zip(INSTANCES, recorded(), strict=True))
NAMES = [" ".join(map(str, instance)) for instance in INSTANCES]
QUICK = [number for number, name in enumerate(NAMES) if "n_data=4096" not in name]


@pytest.mark.parametrize("number", QUICK, ids=[NAMES[number] for number in QUICK])
def test_an_instance_is_what_it_was(number: int) -> None:
    instance, known = KNOWN[number]
    assert vector(*instance) == known


@pytest.mark.parametrize(("instance", "known"), KNOWN, ids=NAMES)
def test_the_test_subset_alone_is_what_it_was(instance: tuple[str, str, int], known: Vector) -> None:
    instance_id = identity(*instance)
    assert instance_id.seed.hex() == known["seed"]
    assert subset_digest(instance_id) == known["subset_digest"]


def test_every_edition_and_size_has_an_instance() -> None:
    names = {(name, track_id.partition(",")[2]) for name, track_id, _ in INSTANCES}
    shipped = (DECEMBER_2025, DECEMBER_2025_CENTRED, *APRIL_2025)
    assert names == {(edition.name, f"n_data={edition.n_data}" if edition.n_data else "") for edition in shipped}
