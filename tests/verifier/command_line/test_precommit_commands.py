"""The commands that make or take a precommit: the whole way of a benchmark, and mistakes answered with one message."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest

from protocol.claim import Claim
from protocol.envelope import Envelope, seal
from protocol.hashes import blake3_digest
from protocol.keys import SigningKey
from protocol.precommit import Precommit
from protocol.verdict import Verdict
from tests.support.called import Ended, called
from tests.support.small_contest import SMALL, module
from verifier.challenge.editions import EDITIONS
from verifier.command_line.commands.precommit import precommit
from verifier.command_line.commands.solve import solve
from verifier.command_line.files import read_record
from verifier.command_line.main import main

SEED, SAMPLE = "c5a1e2", "4c3594711e8362ac"
COUNT = 4
BOUND = ("--precommit", "a.precommit", "--seed-beacon", SEED)
CHOOSE = (
    "precommit", "sgd.py", "--edition", "small", "--track", "n_hidden=1", "--num-nonces", str(COUNT),
    "--key", "key.pem", "--isolation", "none",
)  # fmt: skip
SOLVE = ("solve", "sgd.py", *BOUND, "--key", "key.pem", "--isolation", "none", "--jobs", "1")
Call = Callable[..., Ended]


def name(nonce: int, folder: str = "out") -> str:
    return f"{folder}/sgd-n_hidden=1-nonce={nonce}.claim"


ALL = [name(nonce) for nonce in range(COUNT)]
COMMIT = ("commit", *ALL, "--bundles", "2", "--key", "key.pem")
PROVE = ("prove", "a.benchmark", *ALL, "--beacon", SAMPLE, "--key", "key.pem")
CHECK = ("verify-proof", "a.benchmark", "a.proof", "--beacon", SAMPLE)


@pytest.fixture(scope="module", autouse=True)
def _small_edition() -> Iterator[None]:
    """Let `--edition` name the small one."""
    with pytest.MonkeyPatch.context() as patch:
        for option in [*precommit.params, *solve.params]:
            if option.name == "edition":
                patch.setattr(option, "type", click.Choice(list(EDITIONS)))
        yield


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Run a command in this process."""
    return lambda *arguments: called(capsys, *arguments)


def make_keys_and_module() -> None:
    Path("sgd.py").write_bytes(module())
    for path in (Path("key.pem"), Path("other.pem")):
        key = SigningKey.generate()
        key.save(path)
        key.verify_key.save(path.with_name(path.name + ".pub"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that goes right, and what goes wrong, made once; nobody changes it."""
    folder = tmp_path_factory.mktemp("precommit")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        make_keys_and_module()
        given = ("--edition", "small", "--track", "n_hidden=1", "--nonces", "0", "--key", "key.pem")
        for arguments in (
            (*CHOOSE, "-o", "a.precommit"),
            (*CHOOSE, "-o", "five.precommit", "--num-nonces", "5"),
            (*CHOOSE, "-o", "foreign.precommit", "--key", "other.pem"),
            (*SOLVE, "-o", "out"),
            ("solve", "sgd.py", *given, "-o", "given", "--isolation", "none"),
            (*COMMIT, "-o", "a.benchmark"),
            ("commit", *ALL[:3], "--bundles", "1", "--key", "key.pem", "-o", "three.benchmark"),
            (*PROVE, "-o", "a.proof"),
            ("prove", "three.benchmark", *ALL[:3], *PROVE[-4:], "-o", "three.proof"),
        ):
            with pytest.raises(SystemExit) as end:
                main(list(arguments))
            assert end.value.code == 0
        _make_useless_precommits()
    return folder


def _make_useless_precommits() -> None:
    key, choice = SigningKey.load(Path("key.pem")), read_record(Path("a.precommit"), Precommit).record.choice
    useless: dict[str, dict[str, Any]] = {
        "edition": {"edition": "december-1999"},
        "track": {"settings": replace(choice.settings, track_id="n_hidden=99")},
        "player": {"settings": replace(choice.settings, player_id="\t")},
        "fuel": {"fuel_budget": SMALL.max_fuel_budget + 1},
        "hyperparameter": {"hyperparameters": {"beta": 0.5}},
    }
    for kind, changes in useless.items():
        Path(f"{kind}.precommit").write_bytes(seal(Precommit(replace(choice, **changes), COUNT), key).to_bytes())
    good = Path("a.precommit").read_bytes()
    Path("cut.precommit").write_bytes(good[:100])
    Path("forged.precommit").write_bytes(replace(Envelope.from_bytes(good), signature=bytes(64)).to_bytes())


@pytest.fixture
def office(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of one's own, as the current folder."""
    shutil.copytree(made, tmp_path / "office")
    monkeypatch.chdir(tmp_path / "office")
    Path("bad.py").write_bytes(module("open(1), state"))
    Path("late.py").write_bytes(module("[gradient][1], state"))
    return tmp_path / "office"


def files() -> dict[str, bytes]:
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in sorted(Path().rglob("*"))}


def claims(*paths: str) -> list[Claim]:
    return [read_record(Path(path), Claim).record for path in paths]


def qualities() -> list[int]:
    return [claim.quality for claim in claims(*ALL)]


# -- whole paths -------------------------------------------------------------------------------------------------


def test_from_the_precommit_to_the_proof(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_keys_and_module()
    precommitted = call(*CHOOSE, "-o", "a.precommit")
    digest = read_record(Path("a.precommit"), Precommit).digest
    assert precommitted == Ended(0, f"a.precommit: 4 nonces of n_hidden=1, digest {digest.hex()}\n", "")

    solved = call(*SOLVE, "-o", "out")
    assert (solved.code, solved.out.count("\n")) == (0, COUNT)
    assert solved.err.startswith(f"out: {COUNT} of {COUNT} nonces done, ")
    assert [claim.nonce for claim in claims(*ALL)] == list(range(COUNT))
    assert {claim.task.precommit_digest for claim in claims(*ALL)} == {digest}
    assert len({claim.task.rand_hash for claim in claims(*ALL)}) == 1

    verified = call("verify", *ALL, *BOUND, "--level", "replay", "--isolation", "none", "--jobs", 1)
    assert (verified.code, verified.summary) == (0, "4 accepted")
    assert verified.out.count("module, hyperparameters, fuel and nonces were chosen before the seed existed\n") == COUNT

    committed = call(*COMMIT, "-o", "a.benchmark")
    assert (committed.code, committed.err) == (0, "")
    assert committed.out.startswith("a.benchmark: 4 nonces in 2 bundles, root ")
    sampled = call("sample", "a.benchmark", "--beacon", SAMPLE).out.split()
    proved = call(*PROVE, "-o", "a.proof")
    assert proved == Ended(0, f"a.proof: proves nonces {', '.join(sampled)} of 4\n", "")
    checked = call(*CHECK, *BOUND, "--signer", "key.pem.pub", "--json")
    assert (checked.code, checked.err) == (0, "")
    assert [str(claim["nonce"]) for claim in json.loads(checked.out)["claims"]] == sampled


def test_the_options_reach_the_precommit(call: Call, office: Path) -> None:
    options = ("--player-id", "0xaeb9", "--algorithm-id", "c006_a012", "--block-id", "02914a", "-p", "lr=0.5")
    done = call(*CHOOSE, *options, "--fuel", 10**9, "--num-nonces", 1, "-o", "new/b.precommit")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("new/b.precommit: 1 nonce of n_hidden=1, digest ")
    record = read_record(Path("new/b.precommit"), Precommit).record
    choice, settings = record.choice, record.choice.settings
    assert (record.num_nonces, choice.edition, choice.fuel_budget) == (1, "small", 10**9)
    assert choice.optimiser_digest == blake3_digest(module())
    assert dict(choice.hyperparameters) == {"lr": 0.5}
    assert (settings.player_id, settings.algorithm_id, settings.block_id) == ("0xaeb9", "c006_a012", "02914a")


def test_some_nonces_of_a_precommit(call: Call, office: Path) -> None:
    done = call(*SOLVE, "--nonces", "1..2", "-o", "new")
    assert (done.code, done.out.count("\n")) == (0, 2)
    again = claims(name(1, "new"), name(2, "new"))
    assert [claim.digest() for claim in again] == [claim.digest() for claim in claims(*ALL[1:3])]


def test_inspect_shows_precommits_and_what_follows_them(call: Call, office: Path) -> None:
    done = call("inspect", "a.precommit", name(0), name(0, "given"), "--json")
    assert (done.code, done.err) == (0, "")
    shown, bound, given = (json.loads(line) for line in done.out.splitlines())
    assert (shown["type"], shown["signature"], shown["num_nonces"]) == ("precommit.v2", "valid", COUNT)
    assert (shown["edition"], shown["settings"]["track_id"]) == ("small", "n_hidden=1")
    assert "rand_hash" not in shown
    assert (bound["precommit_digest"], given["precommit_digest"]) == (shown["digest"], None)
    text = call("inspect", "a.precommit", name(0, "given")).out
    assert f"  hyperparameters: none\n  fuel_budget: {SMALL.max_fuel_budget:,}\n  num_nonces: 4\n" in text
    assert "  precommit_digest: none\n" in text


# -- what is said about the choice -------------------------------------------------------------------------------

CHOICES = {
    "bound": ((name(0), *BOUND), "were chosen before the seed existed"),
    "unchecked": ((name(0),), "were chosen was not checked"),
    "unbound": ((name(0, "given"),), "may have been chosen after trying others"),
}


@pytest.mark.parametrize("choice", CHOICES)
def test_a_verdict_says_what_it_knows_about_the_choice(call: Call, office: Path, choice: str) -> None:
    arguments, words = CHOICES[choice]
    text = call("verify", *arguments, "--key", "other.pem")
    assert (text.code, text.summary) == (0, "1 accepted")
    head, measured = text.out.splitlines()
    assert head.endswith(words)
    assert f"choice {choice}, " in measured
    written = read_record(Path(arguments[0]).with_suffix(".verdict"), Verdict).record
    assert (written.detail.endswith(words), written.measured["choice"]) == (True, choice)
    line = json.loads(call("verify", *arguments, "--json").out)
    digest = read_record(Path("a.precommit"), Precommit).digest.hex()
    terms = (digest, SEED) if choice == "bound" else (None, None)
    asked = ("precommit_digest", "seed_beacon", "quality_above", "signer")
    assert tuple(line["terms"][name] for name in asked) == (*terms, None, None)
    assert line["measured"]["choice"] == choice


def test_a_proof_says_what_is_known_about_the_choice(call: Call, office: Path) -> None:
    assert json.loads(call(*CHECK, *BOUND, "--json").out)["choice"] == "bound"
    assert call(*CHECK, *BOUND).out.startswith("a.proof: accepted, choice bound; these are the committed claims, ")
    assert json.loads(call(*CHECK, "--json").out)["choice"] == "unchecked"
    assert call("commit", name(0, "given"), "--bundles", 1, "--key", "key.pem", "-o", "given.benchmark").code == 0
    given = ("given.benchmark", name(0, "given"), "--beacon", SAMPLE)
    assert call("prove", *given, "--key", "key.pem", "-o", "given.proof").code == 0
    done = call("verify-proof", "given.benchmark", "given.proof", "--beacon", SAMPLE, "--json")
    assert json.loads(done.out)["choice"] == "unbound"


NOT = "is not that of the precommit with its beacon"
REJECTIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "claim, another beacon": (
        ("verify", name(0), *BOUND[:3], "later"), f"step 4, precommit: rand_hash of the claim {NOT}",
    ),
    "claim, another precommit": (
        ("verify", name(0), *BOUND, "--precommit", "five.precommit"),
        f"step 4, precommit: precommit_digest of the claim {NOT}",
    ),
    "claim of no precommit": (
        ("verify", name(0, "given"), *BOUND), f"step 4, precommit: precommit_digest of the claim {NOT}",
    ),
    "claim, another signer": (
        ("verify", name(0), *BOUND, "--precommit", "foreign.precommit"),
        "step 1, signer: claim and precommit are signed by different keys",
    ),
    "claim, unqualified": (("verify", name(0), *BOUND, "--qualified"), "step 2, unqualified: the claimed quality "),
    "proof, another beacon": (
        (*CHECK, *BOUND[:3], "later"), f"step 2, precommit: rand_hash of the benchmark {NOT}",
    ),
    "proof, another precommit": (
        (*CHECK, *BOUND, "--precommit", "five.precommit"),
        f"step 2, precommit: precommit_digest of the benchmark {NOT}",
    ),
    "proof, another signer": (
        (*CHECK, *BOUND, "--precommit", "foreign.precommit"),
        "step 1, signer: precommit and benchmark are signed by different keys",
    ),
    "proof, fewer nonces than promised": (
        ("verify-proof", "three.benchmark", "three.proof", *CHECK[3:], *BOUND),
        "step 2, precommit: the precommit is for 4 nonces, the benchmark has 3",
    ),
    "proof, no bundle active": (
        (*CHECK, *BOUND, "--lowest-active", "1"),
        "step 3, unqualified: no bundle has a median quality of 1 or more",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", REJECTIONS)
def test_what_is_not_of_the_precommit_is_rejected(call: Call, office: Path, kind: str) -> None:
    arguments, message = REJECTIONS[kind]
    before = files()
    done = call(*arguments)
    assert (done.code, done.out.count("\n")) == (1, 1)
    assert "rejected at " in done.out
    assert message in done.out
    assert files() == before


def test_only_nonces_of_active_bundles_are_proven(call: Call, office: Path) -> None:
    best = max(qualities())
    lowest = ("--beacon", SAMPLE, "--lowest-active", best)
    one_each = ("commit", *ALL, "--bundles", COUNT, "--key", "key.pem", "-o", "each.benchmark")
    assert call(*one_each).code == 0
    assert call("sample", "each.benchmark", *lowest).out == f"{qualities().index(best)}\n"
    assert call("prove", "each.benchmark", *ALL, *lowest, "--key", "key.pem", "-o", "each.proof").code == 0
    assert call("verify-proof", "each.benchmark", "each.proof", *lowest, *BOUND).code == 0
    assert call("verify-proof", "each.benchmark", "each.proof", "--beacon", SAMPLE, *BOUND).code == 2


def test_solve_says_whether_a_claim_qualifies(call: Call, office: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quality = claims(name(0))[0].quality
    options = (*SOLVE, "--nonces", "0", "-o")
    assert f"quality {quality:,} (does not qualify) after " in call(*options, "a").out
    assert json.loads(call(*options, "b", "--json").out.splitlines()[0])["qualified"] is False
    monkeypatch.setattr("verifier.command_line.solving.solve_report.qualifies", lambda found: found == quality)
    assert f"quality {quality:,} (qualifies) after " in call(*options, "c").out
    assert json.loads(call(*options, "d", "--json").out.splitlines()[0])["qualified"] is True


# -- mistakes ----------------------------------------------------------------------------------------------------

TOGETHER = "--precommit and --seed-beacon go together: seeds depend on both; give the other one too"
TEXT = "--seed-beacon: expected 1 to 256 printable ASCII characters without spaces, found "
NEW = ("-o", "new.precommit")
TRIAL = (*NEW, "--trial")


def solving(*changes: str) -> tuple[str, ...]:
    """A good call of solve into a new folder, with more options, later ones winning."""
    return (*SOLVE, "-o", "new", *changes)


MISTAKES: dict[str, tuple[tuple[str, ...], str]] = {
    "precommit, no number of nonces": ((*CHOOSE[:6], *CHOOSE[8:], *NEW), "Missing option '--num-nonces'"),
    "precommit, no nonces": ((*CHOOSE, *NEW, "--num-nonces", "0"), "'0': write a whole number from 1 to 524,288"),
    "precommit, a range": ((*CHOOSE, *NEW, "--num-nonces", "0..9"), "'0..9': write a whole number from 1"),
    "precommit, nonces and a nonce": ((*CHOOSE, *NEW, "--nonces", "7"), "No such option '--nonces'"),
    "precommit, a rand_hash": ((*CHOOSE, *NEW, "--rand-hash", "ab"), "No such option '--rand-hash'"),
    "precommit, track": ((*CHOOSE, *NEW, "--track", "n_hidden=99"), "track 'n_hidden=99' is not one of edition small"),
    "precommit, edition": ((*CHOOSE, *NEW, "--edition", "large"), "--edition: 'large' is not one of 'december-2025"),
    "precommit, player": ((*CHOOSE, *NEW, "--player-id", "\t"), "player_id: expected printable ASCII, found '\\t'"),
    "precommit, fuel beyond": (
        (*CHOOSE, *NEW, "--fuel", str(10**15)), f"than the edition's maximum, {SMALL.max_fuel_budget:,}; give less",
    ),
    "precommit, fuel for nothing": ((*CHOOSE, *TRIAL, "--fuel", "5"), "sgd.py: 'before the first epoch the fuel"),
    "precommit, hyperparameter": ((*CHOOSE, *TRIAL, "-p", "beta=1"), "hyperparameter beta: sgd.py has none of that"),
    "precommit, too many bytes": (
        (*CHOOSE, *NEW, "-p", f"lr={'x' * 1100}"),
        "task.hyperparameters: expected at most 1024 bytes when encoded, found 1107",
    ),
    "precommit, no module": ((CHOOSE[0], "none.py", *CHOOSE[2:], *NEW), "none.py: No such file or directory; check"),
    "precommit, refused": ((CHOOSE[0], "bad.py", *CHOOSE[2:], *NEW), "bad.py:16:12: D151 unknown name 'open'"),
    "precommit, failing later": ((CHOOSE[0], "late.py", *CHOOSE[2:], *TRIAL), "late.py: 'line 16: IndexError: list"),
    "precommit, public key": ((*CHOOSE, *NEW, "--key", "key.pem.pub"), "key.pem.pub: this is a public key; pass the"),
    "precommit, there already": ((*CHOOSE, "-o", "a.precommit"), "a.precommit: exists; choose another name with -o"),
    "precommit, below a file": ((*CHOOSE, "-o", "key.pem/a"), "key.pem is not a folder; choose another with -o"),
    "solve nothing": (("solve", "sgd.py", "--key", "key.pem"), "pass --track and --nonces, or --precommit and --seed"),
    "solve, no beacon": ((*SOLVE[:4], *SOLVE[6:]), TOGETHER),
    "solve, no precommit": ((*SOLVE[:2], *SOLVE[4:]), TOGETHER),
    "solve, empty beacon": (solving("--seed-beacon", ""), f"{TEXT}''"),
    "solve, beacon of two words": (solving("--seed-beacon", "a b"), f"{TEXT}'a b'; pass a hash"),
    "solve, beacon with an end": (solving("--seed-beacon", "ab\n"), f"{TEXT}'ab\\n'"),
    "solve, no file": (solving("--precommit", "none"), "none: No such file or directory; check the name"),
    "solve, a folder": (solving("--precommit", "out"), "out: is a folder; name a file in it"),
    "solve, cut": (solving("--precommit", "cut.precommit"), "cut.precommit: is not a signed record of tig-verify, or"),
    "solve, forged": (solving("--precommit", "forged.precommit"), "forged.precommit: the signature does not hold for"),
    "solve, a benchmark": (
        solving("--precommit", "a.benchmark"),
        "a.benchmark: envelope.payload_type: expected precommit.v2, found ",
    ),
    "solve, another key": (solving("--key", "other.pem"), "other.pem: did not sign the precommit; pass the key that"),
    "solve, another module": (
        ("solve", "late.py", *SOLVE[2:], "-o", "new"),
        "late.py: is not the module of the precommit; pass the one whose digest begins ",
    ),
    "solve, nonce beyond": (solving("--nonces", "4"), "--nonces: the precommit is for nonces 0 to 3; leave the others"),
    "solve, nonces beyond": (solving("--nonces", "2..9"), "--nonces: the precommit is for nonces 0 to 3; leave the "),
    "solve, claims there": (
        (*SOLVE, "-o", "given"),
        f"{name(0, 'given')}: is of another task, which differs in precommit_digest; choose another folder with -o, or "
        "pass --overwrite",
    ),
    "solve, edition": (
        solving("--precommit", "edition.precommit"), "--precommit: unknown edition 'december-1999'; known: december-",
    ),
    "solve, track of no edition": (
        solving("--precommit", "track.precommit"), "--precommit: track 'n_hidden=99' is not one of edition small; ",
    ),
    "solve, unprintable": (
        solving("--precommit", "player.precommit"), "--precommit: player_id: expected printable ASCII, found '\\t'; ",
    ),
    "solve, too much fuel": (
        solving("--precommit", "fuel.precommit"), "--precommit: its fuel budget is above the edition's maximum, ",
    ),
    "solve, unknown hyperparameter": (
        solving("--precommit", "hyperparameter.precommit", "--nonces", "0"), "hyperparameter beta: sgd.py has none of",
    ),
    **{
        f"solve, {option[0]} too": (solving(*option), f"{option[-2]}: leave it out; the precommit decides it")
        for option in (
            ("--track", "n_hidden=1"), ("--edition", "small"), ("--player-id", ""), ("--algorithm-id", "a"),
            ("--block-id", "b"), ("--challenge-id", "c006"), ("--rand-hash", "ab"), ("--fuel", "5"),
            ("--hyperparameter", "lr=1"),
        )
    },
    "verify, no beacon": (("verify", name(0), *BOUND[:2]), TOGETHER),
    "verify, no precommit": (("verify", name(0), *BOUND[2:]), TOGETHER),
    "verify, beacon of two words": (("verify", name(0), *BOUND, "--seed-beacon", "a b"), f"{TEXT}'a b'; pass a hash"),
    "verify, cut": (("verify", name(0), *BOUND, "--precommit", "cut.precommit"), "cut.precommit: is not a signed"),
    "verify, forged": (
        ("verify", name(0), *BOUND, "--precommit", "forged.precommit"),
        "forged.precommit: the signature does not hold for key ",
    ),
    "verify, a claim": (
        ("verify", name(0), *BOUND, "--precommit", name(0)),
        f"{name(0)}: envelope.payload_type: expected precommit.v2, found ",
    ),
    "verify, quality no integer": (("verify", name(0), "--qualified", "1.5"), "--qualified: '1.5': write a whole"),
    "verify, quality of nobody": (
        ("verify", name(0), "--qualified", "1000000"), "'1000000': write a whole number from -10,000,000 to",
    ),
    "proof, no beacon": ((*CHECK, *BOUND[:2]), TOGETHER),
    "proof, no precommit": ((*CHECK, *BOUND[2:]), TOGETHER),
    "proof, one beacon for both": (
        (*CHECK, *BOUND, "--beacon", SEED),
        "--beacon: is the seed beacon; a sample needs one that was published after the benchmark",
    ),
    "proof, forged": (
        (*CHECK, *BOUND, "--precommit", "forged.precommit"), "forged.precommit: the signature does not hold for key ",
    ),
    "proof, the benchmark": (
        (*CHECK, *BOUND, "--precommit", "a.benchmark"),
        "a.benchmark: envelope.payload_type: expected precommit.v2, found ",
    ),
    "sample, no bundle active": (
        ("sample", "a.benchmark", "--beacon", SAMPLE, "--lowest-active", "1"),
        "a.benchmark: no bundle has a median quality of 1 or more, so none is to be proven",
    ),
    "sample, quality no integer": (
        ("sample", "a.benchmark", "--beacon", SAMPLE, "--lowest-active", "1.5"), "--lowest-active: '1.5': write a",
    ),
    "prove, no bundle active": (
        (*PROVE, "-o", "new.proof", "--lowest-active", "1"),
        "a.benchmark: no bundle has a median quality of 1 or more, so none is to be proven",
    ),
    "commit, another task": (
        (*COMMIT, name(0, "given"), "-o", "new.benchmark"),
        f"{name(0, 'given')}: claim.precommit_digest: nonce 0 is of another task; commit to the claims of one task",
    ),
    "inspect, cut": (("inspect", "cut.precommit"), "cut.precommit: is not a signed record of tig-verify, or was cut"),
}  # fmt: skip


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_answered_with_one_clear_message(call: Call, office: Path, kind: str) -> None:
    arguments, message = MISTAKES[kind]
    before = files()
    done = call(*arguments)
    assert (done.code, done.out) == (2, "")
    assert message in " ".join(done.err.split())
    assert "Traceback" not in done.err
    assert files() == before


@pytest.mark.slow
def test_a_module_that_fails_in_its_trial_is_not_committed_to(call: Call, office: Path) -> None:
    before = files()
    done = call(CHOOSE[0], "late.py", *CHOOSE[2:], *TRIAL, "--isolation", "process")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("tig-verify: late.py: 'line 16: IndexError: list index out of range")
    assert files() == before


def test_without_a_trial_a_module_is_only_read(call: Call, office: Path) -> None:
    assert call(CHOOSE[0], "late.py", *CHOOSE[2:], *NEW).code == 0


def test_a_record_of_an_older_version_is_named(call: Call, office: Path) -> None:
    Path("old.precommit").write_bytes(Path("a.precommit").read_bytes().replace(b"precommit.v2+", b"precommit.v1+"))
    done = call("inspect", "old.precommit")
    unknown = "is of the unknown type 'application/vnd.tig-verify.precommit.v1+msgpack'; use the version that made it"
    assert done == Ended(2, "", f"tig-verify: old.precommit: {unknown}\n")
