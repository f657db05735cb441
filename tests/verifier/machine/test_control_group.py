"""Limits of control groups, as Linux shows them in folders; these are written by the tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from verifier.machine import control_group

MIB = 2**20
V2 = {
    "memory.max": f"{100 * MIB}\n",
    "memory.current": f"{40 * MIB}\n",
    "memory.stat": f"anon {35 * MIB}\ninactive_file {5 * MIB}\nactive_file 7\n",
    "cpu.max": "150000 100000\n",
}
V1_MEMORY = {
    "memory.limit_in_bytes": f"{64 * MIB}\n",
    "memory.usage_in_bytes": f"{60 * MIB}\n",
    "memory.stat": f"inactive_file {MIB}\n",
}
V1_CPU = {"cpu.cfs_quota_us": "50000\n", "cpu.cfs_period_us": "100000\n"}


def write(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)


@pytest.fixture
def mounted(tmp_path: Path) -> Path:
    (tmp_path / "mounted").mkdir()
    return tmp_path / "mounted"


@pytest.fixture
def membership(tmp_path: Path) -> Path:
    path = tmp_path / "cgroup"
    path.write_text("0::/user/session\n")
    return path


def limits(mounted: Path, membership: Path) -> tuple[int | None, float | None]:
    return control_group.memory_left(mounted, membership), control_group.cores(mounted, membership)


def test_what_is_left_is_the_limit_without_what_is_used_and_not_given_back(mounted: Path, membership: Path) -> None:
    write(mounted / "user" / "session", V2)
    assert limits(mounted, membership) == (65 * MIB, 1.5)


def test_the_tightest_of_the_groups_around_counts(mounted: Path, membership: Path) -> None:
    write(mounted / "user" / "session", V2)
    write(mounted / "user", {"memory.max": f"{50 * MIB}\n", "memory.current": f"{45 * MIB}\n", "cpu.max": "max 100000"})
    write(mounted, {"cpu.max": "100000 100000"})
    assert limits(mounted, membership) == (5 * MIB, 1.0)


def test_more_may_be_used_than_is_allowed(mounted: Path, membership: Path) -> None:
    write(mounted, {"memory.max": "5", "memory.current": "7"})
    assert limits(mounted, membership) == (0, None)


def test_version_1_has_a_tree_for_each_controller(mounted: Path, membership: Path) -> None:
    membership.write_text("9:name=systemd:/\n4:cpu,cpuacct:/docker/ab\n3:memory:/docker/ab\n")
    write(mounted / "memory", V1_MEMORY)  # a container sees its own group as the outermost one
    write(mounted / "cpu", V1_CPU)
    assert limits(mounted, membership) == (5 * MIB, 0.5)
    write(mounted / "cpu", {"cpu.cfs_quota_us": "-1\n"})
    assert control_group.cores(mounted, membership) is None


@pytest.mark.parametrize("files", [{}, {"memory.max": "max\n", "memory.current": "7\n", "cpu.max": "max 100000\n"}])
def test_there_may_be_no_limit(files: dict[str, str], mounted: Path, membership: Path) -> None:
    write(mounted, files)
    assert limits(mounted, membership) == (None, None)


def test_there_may_be_no_control_groups(mounted: Path, tmp_path: Path) -> None:
    assert limits(mounted, tmp_path / "none") == (None, None)
