"""The limit of threads is the process's: the first who asks sets it, the last who has finished puts it back."""

from __future__ import annotations

import pytest
import threadpoolctl

from arithmetic.threads import ONE_THREAD, ThreadLimit


class Limits:
    """Stands for threadpoolctl, and keeps what it was asked for."""

    asked: list[str]

    def __init__(self, limit: int) -> None:
        self.asked.append(f"{limit} thread")

    def restore_original_limits(self) -> None:
        self.asked.append("as before")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(Limits, "asked", [], raising=False)
    monkeypatch.setattr(threadpoolctl, "threadpool_limits", Limits)
    return Limits.asked


def test_a_limit_is_put_back_also_after_an_error(asked: list[str]) -> None:
    with pytest.raises(KeyError), ThreadLimit().held():
        raise KeyError
    assert asked == ["1 thread", "as before"]


def test_trainings_that_overlap_put_back_what_was_before_the_first(asked: list[str]) -> None:
    limit = ThreadLimit()
    first, second = limit.held(), limit.held()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert asked == ["1 thread"]
    second.__exit__(None, None, None)
    assert asked == ["1 thread", "as before"]
    with limit.held():
        assert asked[2:] == ["1 thread"]


def test_processes_of_ours_have_one_thread_by_every_librarys_variable() -> None:
    assert ONE_THREAD == {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
