"""`tig-verify golden`: trainings of an epoch or two of the full edition, and the files that record them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.isolation import InProcess
from tests.support.called import Ended, called
from tests.support.folders import FIXTURES, ROOT
from tests.support.small_contest import module
from verifier.command_line.files import read_module
from verifier.command_line.golden.golden_cases import read_golden
from verifier.golden import golden_file, training
from verifier.golden.golden_file import GoldenFile

pytestmark = pytest.mark.slow

SHORT = ("--track", "n_hidden=1", "--fuel", "1500000")
ONE, TWO = (Path(f"golden/small-december-2025-n_hidden=1-nonce={nonce}.golden") for nonce in (0, 1))
Call = Callable[..., Ended]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("small.py").write_bytes(module())


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    def golden(command: str, *arguments: object) -> Ended:
        return called(capsys, "golden", command, *arguments, "--isolation", "none", "--jobs", 1)

    return golden


@pytest.fixture
def filled(call: Call) -> GoldenFile:
    """Of the first of two nonces."""
    assert call("fill", "small.py", *SHORT, "--nonces", "0..1").code == 0
    return read_golden(ONE)


def write(file: GoldenFile) -> None:
    ONE.write_text(file.text())


def lines(ended: Ended) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ended.out.splitlines()]


def test_what_is_filled_is_what_a_training_gives_and_agrees_afterwards(call: Call) -> None:
    done = call("fill", "small.py", *SHORT, "--track", "n_hidden=2", "--nonces", "0..1", "-p", "lr=0.02", "--json")
    assert (done.code, done.err) == (0, "golden files: 4 written\n")
    said = lines(done)
    assert [each["file"] for each in said] == [
        f"golden/small-december-2025-n_hidden={depth}-nonce={nonce}.golden" for depth in (1, 2) for nonce in (0, 1)
    ]
    first = said[0]
    recorded = read_golden(ONE)
    results = training.PinnedTraining(Path("small.py"), read_module(Path("small.py")), recorded.task, 0).run(
        InProcess()
    )
    assert recorded.results == results
    assert (recorded.optimiser, recorded.task.fuel_budget) == ("../small.py", 1_500_000)
    assert {name: first[name] for name in ("edition", "track", "nonce", "hyperparameters", "result", "reason")} == {
        "edition": "december-2025", "track": "n_hidden=1", "nonce": 0, "hyperparameters": {"lr": 0.02},
        "result": "written", "reason": "",
    }  # fmt: skip
    assert first["quality"] == results["score"]["quality"]
    assert first["transcript_root"] == results["outcome"]["transcript_root"]
    done = call("check", ".")
    assert (done.code, done.err) == (0, "golden files: 4 agree\n")
    assert done.out.splitlines()[0].startswith(f"{ONE}: agrees: {results['outcome']['epochs']} epochs, best ")


def test_overrides_that_do_not_fit_are_refused_before_anything_is_trained(call: Call) -> None:
    done = call("fill", "small.py", *SHORT, "--nonces", "0", "-p", "lr=abc")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(
        'tig-verify: hyperparameter lr="abc": small.py has a number there; write one, such as lr='
    )
    assert not ONE.parent.exists()


def test_a_difference_is_named_beside_what_was_recorded(call: Call, filled: GoldenFile) -> None:
    loss = filled.results["leaves"][1][1]
    filled.results["leaves"][1][1] = 0.125
    write(filled)
    done = call("check", "golden")
    assert done.code == 1
    assert done.out.splitlines()[:3] == [
        f"{ONE}: differs from epoch 1 on",
        f"  epoch 1: train_loss: recorded 0.125, computed {loss}",
        done.out.splitlines()[2],
    ]
    assert f"{TWO}: agrees: " in done.out
    assert done.err == "golden files: 1 agrees, 1 differs\n"
    differs, agrees = lines(call("check", "golden", "--json"))
    assert differs["differences"] == [{"epoch": 1, "field": "train_loss", "recorded": 0.125, "computed": loss}]
    assert (differs["result"], agrees["result"], agrees["differences"]) == ("differs", "agrees", [])


def test_a_refactoring_can_be_accepted(call: Call, filled: GoldenFile) -> None:
    Path("small.py").write_bytes(module() + b"# as before\n")
    assert call("check", "golden").code == 1
    assert call("check", "golden", "--ignore-module-digest").code == 0
    Path("small.py").write_bytes(module(state='1.0 * hyperparameters["lr"]'))
    done = call("check", ONE, "--ignore-module-digest")
    assert done.code == 1
    assert "epoch 0: fuel_used: recorded " in done.out
    assert "The losses of all epochs agree." in done.out
    assert "optimiser_digest" not in done.out


def test_what_is_filled_again_is_written_only_where_it_is_new(
    call: Call, filled: GoldenFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = json.loads(ONE.read_text())
    values["notes"], values["score"]["quality"] = "why it is here", 7
    ONE.write_text(json.dumps(values))
    before = TWO.read_bytes()
    monkeypatch.setattr(golden_file, "versions", lambda: {"tig-verify": "another"})
    done = call("refill", "golden")
    assert (done.code, done.err) == (0, "golden files: 1 changed, 1 unchanged\n")
    assert f"score.quality: recorded 7, computed {filled.results['score']['quality']:,}" in done.out
    assert TWO.read_bytes() == before
    written = read_golden(ONE)
    assert (written.results, written.notes) == (filled.results, "why it is here")
    assert json.loads(ONE.read_text())["made_by"] == {"tig-verify": "another"}


def test_fill_with_check_writes_nothing(call: Call, filled: GoldenFile) -> None:
    arguments = ("fill", "small.py", *SHORT, "--check", "--nonces")
    assert call(*arguments, "0..1").err == "golden files: 2 agree\n"
    done = call(*arguments, "1..2")
    missing = "golden/small-december-2025-n_hidden=1-nonce=2.golden"
    assert (done.code, sorted(os.listdir("golden"))) == (2, [ONE.name, TWO.name])
    assert f"tig-verify: {missing}: is not there; write it with tig-verify golden fill\n" in done.err
    ONE.write_text("<<<<<<< ours\n")
    done = call(*arguments, "0", "--json")
    assert (done.code, [each["result"] for each in lines(done)]) == (2, ["unusable"])
    assert "was cut or merged badly; fill it again" in done.err
    assert ONE.read_text() == "<<<<<<< ours\n"


def test_a_file_that_is_none_is_filled_again(call: Call) -> None:
    ONE.parent.mkdir()
    ONE.write_text("<<<<<<< ours\n")
    assert call("fill", "small.py", *SHORT, "--nonces", "0").err == "golden files: 1 written\n"
    assert call("check", ONE).code == 0


OTHERS = {
    "hyperparameters": ("-p", "lr=0.02"),
    "fuel_budget": ("--fuel", "1400000"),
    "rand_hash": ("--rand-hash", "1"),
    "settings.player_id": ("--player-id", "me"),
}


def test_the_file_of_another_training_is_not_replaced(call: Call, filled: GoldenFile) -> None:
    before = ONE.read_bytes()
    for field, others in OTHERS.items():
        for check in ((), ("--check",)):
            done = call("fill", "small.py", *SHORT, *others, "--nonces", "0", *check)
            assert (done.code, done.err) == (
                2,
                f"tig-verify: {ONE}: records another training, which differs in {field}; choose another folder, or "
                "remove the file first\n",
            )
    assert ONE.read_bytes() == before


def test_two_modules_of_one_name_are_refused(call: Call, filled: GoldenFile) -> None:
    Path("b").mkdir()
    Path("b/small.py").write_bytes(module())
    done = call("fill", "small.py", "b/small.py", *SHORT, "--nonces", "5")
    assert (done.code, "has the golden file of small.py" in done.err) == (2, True)
    done = call("fill", "b/small.py", *SHORT, "--nonces", "0")
    assert (done.code, "records another training, which differs in optimiser" in done.err) == (2, True)


def test_a_module_that_fails_stops_no_other(call: Call, filled: GoldenFile) -> None:
    Path("bad.py").write_bytes(module("1 / 0, state"))
    Path("worse.py").write_text("import os\n")
    done = call("fill", "bad.py", "worse.py", "small.py", *SHORT, "--nonces", "0")
    assert (done.code, done.err) == (2, "golden files: 1 unchanged, 2 failed\n")
    assert "bad-december-2025-n_hidden=1-nonce=0.golden: its module cannot be trained: " in done.out
    assert sorted(os.listdir("golden")) == [ONE.name, TWO.name]
    Path("small.py").write_bytes(module("1 / 0, state"))
    done = call("check", "golden", "--json")
    assert (done.code, done.err) == (1, "golden files: 2 failed\n")
    assert [each["reason"].startswith("its module cannot be trained: ") for each in lines(done)] == [True, True]


def test_a_file_that_cannot_be_used_is_named_and_the_others_are_checked(call: Call, filled: GoldenFile) -> None:
    os.mkfifo("golden/pipe.golden")
    Path("golden/cut.golden").write_text(TWO.read_text()[:-9])
    Path("golden/lost.golden").write_text(TWO.read_text().replace("../small.py", "../gone.py"))
    done = call("check", "golden", "nowhere.golden", "--json")
    assert done.code == 2
    assert done.err.splitlines()[-1] == "golden files: 2 agree, 4 unusable"
    assert sorted(each["file"] for each in lines(done) if each["result"] == "unusable") == [
        "golden/cut.golden", "golden/lost.golden", "golden/pipe.golden", "nowhere.golden",
    ]  # fmt: skip
    assert (
        "tig-verify: golden/lost.golden: its module, gone.py: No such file or directory; check the name\n" in done.err
    )
    assert "tig-verify: golden/pipe.golden: is a pipe; name an ordinary file\n" in done.err
    filled.results["score"]["quality"] = 0
    write(filled)
    assert call("check", "golden").code == 1


def test_a_folder_without_golden_files_is_a_mistake(call: Call) -> None:
    done = call("check", ".")
    assert (done.code, done.out) == (2, "")
    assert done.err == "tig-verify: .: has no *.golden files; write some with tig-verify golden fill\n"


def test_a_file_that_cannot_be_written_stops_no_other(call: Call, filled: GoldenFile) -> None:
    text = ONE.read_text()
    ONE.rename("golden/real")
    ONE.symlink_to("real")
    Path("small.py").write_bytes(module("-2.0 * state * gradient, state"))
    done = call("refill", "golden")
    assert (done.code, done.err) == (2, "golden files: 1 changed, 1 unusable\n")
    assert f"{ONE}: cannot be written: is a symbolic link" in done.out
    assert Path("golden/real").read_text() == text


def test_a_process_that_is_lost_is_no_difference(
    call: Call, filled: GoldenFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sandbox.errors import WorkerFault

    def lost(*arguments: object) -> None:
        raise WorkerFault("the worker ended")

    monkeypatch.setattr(training, "solve", lost)
    done = call("check", ONE)
    assert (done.code, done.out) == (3, f"{ONE}: undetermined: the worker ended\n")


def test_ignoring_the_digest_is_for_checks(call: Call) -> None:
    done = call("fill", "small.py", *SHORT, "--nonces", "0", "--ignore-module-digest")
    assert (done.code, "--ignore-module-digest goes with --check" in done.err) == (2, True)


def printed(command: str) -> list[str]:
    """What docs/golden.md shows under a command, with `..` for more of it."""
    _, _, after = (ROOT / "docs" / "golden.md").read_text().partition(f"    $ {command}\n")
    return [line.removeprefix("    ") for line in after.partition("\n\n")[0].splitlines()]


def test_the_document_shows_what_is_printed(call: Call) -> None:
    for name in ("sgd", "momentum"):
        shutil.copy(FIXTURES / "optimisers" / f"{name}.py", ".")
    fill, check = "fill sgd.py momentum.py --track n_hidden=2 --nonces 0..1", "check golden"
    done = call(*fill.split())
    assert (done.out + done.err).splitlines() == printed(f"tig-verify golden {fill}")
    module = Path("momentum.py")
    text = module.read_text()
    module.write_text(text.replace('-state["lr"] * velocity', '-velocity * state["lr"]'))
    done = call(*check.split())
    shown = printed(f"tig-verify golden {check}")
    assert done.out.splitlines()[: len(shown) - 2] == shown[:-2]
    assert [*done.err.splitlines(), ".."] == shown[-1:-3:-1]
