"""Wrong inputs, each with the one message that answers it, word for word: to be read aloud."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from protocol.envelope import seal
from protocol.keys import SigningKey
from tests.support.called import called
from tests.support.disputed import ADAPTIVE, solved
from tests.support.folders import FIXTURES
from tests.support.sample_records import benchmark, precommit
from verifier.command_line.files import ClaimFiles

pytestmark = pytest.mark.slow

KEY, OTHER = SigningKey.generate(), SigningKey.generate()
TABLE = Path(__file__).with_name("wrong_inputs.txt")
MESSAGES = dict(each.removeprefix("$ tig-verify ").split("\n") for each in TABLE.read_text().strip().split("\n\n"))
"""By the words of a call, its message."""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a benchmarker and a validator have lying about."""
    folder = tmp_path_factory.mktemp("office")
    for name, key in (("key.pem", KEY), ("other.pem", OTHER)):
        key.save(folder / name)
        key.verify_key.save(folder / f"{name}.pub")
    for name in ("adam.py", "sgd.py"):
        shutil.copy(FIXTURES / "optimisers" / name, folder)
    for name, claim in (
        ("a", solved().claim),
        ("b", replace(solved().claim, nonce=1)),
        ("c", replace(solved().claim, nonce=0)),
    ):
        files = ClaimFiles(folder / f"{name}.claim")
        files.claim.write_bytes(seal(claim, KEY).to_bytes())
        files.solution.write_bytes(seal(solved().solution, KEY).to_bytes())
    files.module(solved().claim.task.optimiser_digest).write_bytes(ADAPTIVE)
    data = (folder / "a.claim").read_bytes()
    (folder / "cut.claim").write_bytes(data[:300])
    (folder / "text.txt").write_text("to be done\n")
    (folder / "nonces.txt").write_text("0..9\nten\n")
    (folder / "net.json").write_text('{"nonce": 0}\n')
    (folder / "none.claim").write_bytes(b"")
    (folder / "policy.toml").write_text("[trusted]\nreplay = 25\n")
    (folder / "x.benchmark").write_bytes(seal(benchmark(), KEY).to_bytes())
    (folder / "x.precommit").write_bytes(seal(precommit(), KEY).to_bytes())
    (folder / "empty").mkdir()
    return folder


@pytest.fixture
def listing(office: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The folder, in which nothing may change."""
    monkeypatch.chdir(office)
    before = sorted((str(path), path.stat().st_mtime_ns) for path in office.rglob("*"))
    yield
    assert sorted((str(path), path.stat().st_mtime_ns) for path in office.rglob("*")) == before


@pytest.mark.parametrize("words", MESSAGES)
@pytest.mark.usefixtures("listing")
def test_a_wrong_input_gets_one_message(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    done = called(capsys, *words.split())
    told = [line for line in done.err.splitlines() if line.startswith("tig-verify: ")]
    if told[-1] == "tig-verify: 1 without verdict":  # the summary of `verify`
        told.pop()
    assert (done.code, done.out, told) == (2, "", [MESSAGES[words]])
