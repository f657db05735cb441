"""The form of a solution."""

from __future__ import annotations

import pytest

from protocol import RecordError, Solution
from tests.support.sample_records import solution


def test_a_solution_survives() -> None:
    assert Solution.from_bytes(solution().to_bytes()) == solution()


@pytest.mark.parametrize("field", ["parameters", "running_means", "running_variances"])
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_arrays_are_whole_numbers_of_binary32(field: str, size: int) -> None:
    with pytest.raises(RecordError, match=rf"^solution\.{field}: expected a multiple of 4 bytes, found {size}"):
        solution(**{field: bytes(size)})
