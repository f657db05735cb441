"""A cluster of several node processes on this machine: every item is done once, whatever happens to the nodes."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest

from sandbox.errors import WorkerFault
from tests.support import cluster_work
from tests.support.folders import ROOT
from tests.support.processes import descendants, eventually, is_alive
from verifier.runs.cluster import Cluster
from verifier.runs.pool import TaskLost
from verifier.runs.queue import ClusterAddress, completed

if find_spec("ray") is None:  # who imports it is asked for a token then
    pytest.skip("RAY IS NOT INSTALLED: no cluster was tested; `make test-extras` does", allow_module_level=True)
pytestmark = pytest.mark.slow

START = (sys.executable, "-c", "import sys; from ray.scripts.scripts import main; sys.exit(main())", "start", "--block")
STORE = str(75 * 2**20)
"""Bytes of a node's object store, the least that Ray takes."""
HOST = socket.gethostname()
SECURED = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "5" * 32, "RAY_prestart_worker_first_driver": "0"}
"""As docs/scale.md asks for."""


class Head:
    """The head of a cluster, which has no cores, and nodes that come and go as machines do."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self._folder = folder
        self._nodes: dict[str, subprocess.Popen[bytes]] = {}
        self._start("head", 0, ROOT, "--head", f"--port={self.port}", "--include-dashboard=false",
                    "--disable-usage-stats", f"--temp-dir={folder}")  # fmt: skip

    @contextmanager
    def nodes(self, *names: str) -> Iterator[None]:
        """Machines with one core each."""
        try:
            for name in names:
                self.add(name)
            yield
        finally:
            for name in self._nodes.keys() - {"head"}:
                self.kill(name)

    def add(self, name: str, processes: int = 1, imports: Path = ROOT) -> None:
        """A machine with so many cores, which imports from this folder first."""
        self._start(name, processes, imports, f"--address={self.address}")

    def kill(self, name: str) -> None:
        """As if its power were gone."""
        if (node := self._nodes.pop(name, None)) is None:
            return
        everything = [node.pid, *descendants(node.pid)]
        for process in everything:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        node.wait()
        eventually(lambda: not any(map(is_alive, everything)))

    def processes(self, name: str) -> list[int]:
        """All of a machine."""
        return descendants(self._nodes[name].pid)

    def _start(self, name: str, processes: int, imports: Path, *arguments: str) -> None:
        log = self._folder / f"{name}.log"
        with log.open("wb") as out:
            self._nodes[name] = subprocess.Popen(
                [*START, f"--num-cpus={processes}", f"--object-store-memory={STORE}", f"--node-name={name}",
                 "--min-worker-port=0", "--max-worker-port=0", *arguments],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, cwd=self._folder,
                env={**os.environ, **SECURED, "TEST_NODE": name, "PYTHONPATH": f"{imports}:{ROOT}"},
            )  # fmt: skip
        eventually(lambda: b"Ray runtime started" in log.read_bytes(), 60.0)


@contextmanager
def started() -> Iterator[Head]:
    # The folder's name must be short, for it holds sockets.
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        made = Head(Path(folder))
        try:
            yield made
        finally:
            made.kill("head")


@pytest.fixture(scope="module")
def head() -> Iterator[Head]:
    with started() as made:
        yield made


@pytest.fixture(autouse=True)
def secured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECURED.items():
        monkeypatch.setenv(name, value)


def done(answer: cluster_work.Answer | TaskLost) -> cluster_work.Answer:
    assert isinstance(answer, cluster_work.Answer)
    return answer


def test_all_cores_work_also_those_that_come_later_and_each_process_goes_on(head: Head) -> None:
    with head.nodes("one"), Cluster(cluster_work.telling, head.address, pytest.fail) as cluster:
        answers = cluster.run([100] * 150)
        found = [done(next(answers)[1])]
        head.add("two", 2)
        found += [done(answer) for _, answer in answers]
        assert len(found) == 150
        assert {(answer.node, answer.threads) for answer in found} == {("one", "1"), ("two", "1")}
        by_process = {answer.process: answer.items for answer in found}  # the last one counts
        assert len(by_process) == 3
        assert sum(by_process.values()) == 150


def test_a_node_killed_in_mid_run_costs_no_claim_and_changes_no_byte(head: Head) -> None:
    nonces = range(24)
    with cluster_work.signed_claims() as work:
        expected = {nonce: work(nonce) for nonce in nonces}
    told: list[str] = []
    found = {}
    with head.nodes("one", "two"), Cluster(cluster_work.signed_claims, head.address, told.append) as cluster:
        for nonce, files in cluster.run(nonces):
            assert nonce not in found
            found[nonce] = files
            if len(found) == 8:
                head.kill("two")
    assert found == expected
    assert told == [f"node {HOST} (two) has stopped; what it had in hand is done again"]


def test_an_item_with_which_a_node_stops_twice_is_lost_and_no_other(head: Head) -> None:
    told: list[str] = []
    with head.nodes("one"), Cluster(cluster_work.telling, head.address, told.append) as cluster:
        found = dict(cluster.run([1, cluster_work.KILL, 2, 3]))
    lost = found.pop(cluster_work.KILL)
    assert lost == TaskLost(f"node {HOST} (one) stopped while it had it in hand")
    assert sorted(found) == [1, 2, 3]
    assert told == [f"node {HOST} (one) has stopped; what it had in hand is done again"] * 2


def test_a_node_with_another_version_is_refused_once_and_others_go_on(head: Head, tmp_path: Path) -> None:
    for package in ("arithmetic", "protocol", "sandbox", "verifier"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "arithmetic" / "random.py").open("a") as file:
        file.write("# changed\n")
    told: list[str] = []
    with head.nodes("one"):
        head.add("two", 1, tmp_path)
        with Cluster(cluster_work.telling, head.address, told.append) as cluster:
            assert {done(answer).node for _, answer in cluster.run([50] * 60)} == {"one"}
            refusal = f"node {HOST} (two) is not used: sources "
            assert [line[: len(refusal)] for line in told] == [refusal]
            head.kill("one")
            with pytest.raises(WorkerFault, match=r"nobody to work: node .* \(two\) is not used: sources"):
                list(cluster.run([0]))


def test_a_node_on_which_no_process_starts_is_refused(head: Head) -> None:
    told: list[str] = []
    with head.nodes("one", "two"), Cluster(cluster_work.unprepared, head.address, told.append) as cluster:
        assert sorted(cluster.run(range(200))) == [(n, n) for n in range(200)]
    assert told == [
        f"node {HOST} (two) is not used: 3 processes in a row did not start; the last one ended unexpectedly "
        "(exit status 0): RuntimeError: no memory\x1b[2J"
    ]


def test_an_error_is_said_of_its_item_alone(head: Head) -> None:
    with head.nodes("one"), Cluster(cluster_work.telling, head.address, pytest.fail) as cluster:
        answers = dict(cluster.run([1, cluster_work.RAISE, 2]))
    assert answers.pop(cluster_work.RAISE) == TaskLost("ValueError: negative")
    assert answers.keys() == {1, 2}


def working(processes: list[int]) -> list[int]:
    """Those of them that work on items or for who does."""
    names = (b"pool_worker", b"zygote", b"ray::Node")
    return [pid for pid in processes if is_alive(pid) and any(name in command(pid) for name in names)]


def command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_a_call_ends_at_its_moment_and_nothing_goes_on(head: Head) -> None:
    with head.nodes("one"), Cluster(cluster_work.telling, head.address, pytest.fail) as cluster:
        until = time.monotonic() + 20.0
        found = [item for item, _ in cluster.run([1, 2, 60_000, 3], until)]
        assert found == [1, 2]
        assert -0.1 < time.monotonic() - until < 15.0
        eventually(lambda: not working(head.processes("one")))
        assert list(cluster.run(iter([0]), time.monotonic())) == []
        assert list(cluster.run([])) == []
        answers = cluster.run([4, 60_000])  # another call goes on
        assert next(answers)[0] == 4
        answers.close()
        eventually(lambda: not working(head.processes("one")))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("where", ["local", "head"])
def test_however_the_driver_ends_nothing_goes_on(head: Head, where: str, how: signal.Signals) -> None:
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # background suites ignore it
        "import sys; from tests.support.jailed_work import sleeping; from verifier.runs.cluster import Cluster\n"
        "with Cluster(sleeping, sys.argv[1], print) as cluster:\n"
        "    for _ in cluster.run(['a', *['sleep'] * 9]): print('one', flush=True)\n"
    )
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="t-"))
        stack.enter_context(head.nodes(*(["one"] if where == "head" else [])))
        driver = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-W", "error", "-c", program, "local" if where == "local" else head.address],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
                env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": folder, "HOME": folder},
            )
        )  # fmt: skip
        stack.callback(driver.kill)
        assert driver.stdout is not None
        assert driver.stderr is not None
        assert driver.stdout.readline() == "one\n"
        running = partial(descendants, driver.pid) if where == "local" else partial(head.processes, "one")
        eventually(lambda: len(working(running())) >= 3)  # the node, its process, and that one's zygote
        processes = running()
        os.killpg(driver.pid, how)  # as a terminal does
        assert driver.wait(30.0) in (-how, 1)
        eventually(lambda: not (any(map(is_alive, processes)) if where == "local" else working(processes)))
        assert driver.stdout.read() == ""
        assert driver.stderr.read().rstrip().endswith("KeyboardInterrupt" if how is signal.SIGINT else "")
        eventually(lambda: os.listdir(folder) == [])


def test_a_lost_head_is_a_fault_of_the_machine_and_no_end_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_gcs_rpc_server_reconnect_timeout_s", "3")  # of 60
    with started() as mine, mine.nodes("one"), Cluster(cluster_work.telling, mine.address, print) as cluster:
        answers = cluster.run([0, *[60_000] * 3])
        assert next(answers)[0] == 0
        mine.kill("head")
        with pytest.raises(WorkerFault, match="is lost: its head has stopped"):
            next(answers)


def test_the_queue_takes_a_cluster(head: Head) -> None:
    address = ClusterAddress(head.address, pytest.fail)
    with head.nodes("one"):
        assert dict(completed(cluster_work.halves, range(0, 8, 2), 1, cluster=address)) == {0: 0, 2: 1, 4: 2, 6: 3}


def test_a_file_in_the_current_folder_is_not_run(head: Head, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("json", "blake3", "verifier"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'run')!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    with head.nodes("one"), Cluster(cluster_work.telling, head.address, pytest.fail) as cluster:
        assert len(list(cluster.run([0, 0]))) == 2
    assert not (tmp_path / "run").exists()
