"""`tig-verify verify-proof`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from protocol.benchmark import Benchmark
from protocol.claim import Claim
from protocol.envelope import Signed
from protocol.errors import NoAnswerError
from protocol.precommit import Seeding
from protocol.proof import Proof, ProofRejected, check_proof
from protocol.verdict import Outcome
from verifier.challenge.errors import InputError
from verifier.command_line.exit_codes import REJECTED
from verifier.command_line.files import read_record
from verifier.command_line.options.precommit_options import seeding_options
from verifier.command_line.options.sampling_options import Sampling, sampling_options
from verifier.command_line.options.signer_options import signer_options
from verifier.command_line.terminal import json_text, say
from verifier.verification.choosing import Choosing


@click.command("verify-proof")
@click.argument("benchmark", type=click.Path(path_type=Path))
@click.argument("proof", type=click.Path(path_type=Path))
@sampling_options
@seeding_options
@signer_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def verify_proof(
    benchmark: Path, proof: Path, sampling: Sampling, seeding: Seeding | None, signers: tuple[bytes, ...], as_json: bool
) -> int:  # fmt: skip
    """Check that PROOF answers the beacon with the claims that BENCHMARK committed to.

    It does not look at what the claims state. Next, `verify` the .claim and .solution files of the printed nonces,
    which the benchmarker hands over; a .claim is the proven one if `verify --json` shows the digest that is printed
    here. The beacon must be the validator's own choice or have been published after the benchmark was received.

    What the benchmark's signer has not signed as an answer to this sample is no proof: anybody can have put it there.
    There is a message, and nothing is rejected.

    With --precommit and --seed-beacon the benchmark must have the task and all nonces of that precommit. `verify` with
    both does not see that nonces were left out.

    \b
    Example: tig-verify verify-proof adam.benchmark adam.proof --beacon 4c35
             tig-verify verify-proof adam.benchmark adam.proof --beacon 4c35 --precommit adam.precommit --seed-beacon 6b
    """
    if seeding is not None and seeding.beacon == sampling.beacon:
        raise InputError("--beacon: is the seed beacon; a sample needs one that was published after the benchmark")
    committed, answer = read_record(benchmark, Benchmark), read_record(proof, Proof)
    expected = committed.signer if committed.signer in signers else next(iter(signers), None)
    try:
        claims = check_proof(committed, answer, sampling.beacon, sampling.rule, expected, seeding)
    except NoAnswerError as error:
        raise InputError(f"{proof}: {error}") from None
    except ProofRejected as rejected:
        looked_at = _looked_at(committed, answer)
        say(_rejection_as_json(proof, looked_at, rejected) if as_json else _rejection_as_text(proof, rejected))
        return REJECTED
    choice = Choosing.BOUND if seeding is not None else Choosing.unseen(claims[0].task)
    say(
        *(
            [_as_json(proof, _looked_at(committed, answer), claims, choice, sampling)]
            if as_json
            else [*_as_text(proof, claims, choice), *sampling.shortfall(len(claims))]
        )
    )
    return 0


def _looked_at(benchmark: Signed[Benchmark], proof: Signed[Proof]) -> dict[str, str]:
    """What the answer is about: both records, and the key that signed them."""
    return {
        "benchmark_digest": benchmark.digest.hex(),
        "proof_digest": proof.digest.hex(),
        "signer": benchmark.signer.hex(),
    }


def _rejection_as_text(path: Path, rejected: ProofRejected) -> str:
    return f"{path}: rejected at step {rejected.step}, {rejected.fault}: {rejected}"


def _rejection_as_json(path: Path, looked_at: dict[str, str], rejected: ProofRejected) -> str:
    return json_text(
        {
            "file": str(path),
            **looked_at,
            "outcome": Outcome.REJECTED,
            "reason": rejected.fault,
            "step": rejected.step,
            "detail": str(rejected),
            "choice": None,
            "claims": [],
        }
    )


def _as_text(path: Path, claims: Sequence[Claim], choice: Choosing) -> list[str]:
    lines = [
        f"  nonce {claim.nonce}: quality {claim.quality:,}, claim digest {claim.digest().hex()}" for claim in claims
    ]
    return [f"{path}: accepted, choice {choice}; these are the committed claims, to be verified next:", *lines]


def _as_json(
    path: Path, looked_at: dict[str, str], claims: Sequence[Claim], choice: Choosing, sampling: Sampling
) -> str:
    shown = [{"nonce": claim.nonce, "quality": claim.quality, "claim_digest": claim.digest().hex()} for claim in claims]
    return json_text(
        {
            "file": str(path),
            **looked_at,
            "outcome": Outcome.ACCEPTED,
            "reason": "none",
            "step": 0,
            "detail": "".join(sampling.shortfall(len(claims))),
            "choice": choice,
            "claims": shown,
        }
    )
