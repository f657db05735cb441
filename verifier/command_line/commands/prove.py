"""`tig-verify prove`."""

from __future__ import annotations

from pathlib import Path

import click

from protocol.benchmark import Benchmark, BenchmarkBuilder
from protocol.envelope import seal
from protocol.errors import RecordError
from protocol.proof import prove as prove_claims
from verifier.challenge.errors import InputError
from verifier.command_line.files import load_signing_key, read_record, require_new, write_file
from verifier.command_line.options.sampling_options import Sampling, drawn, sampling_options
from verifier.command_line.terminal import say
from verifier.command_line.verifying.claim_files import entered


@click.command()
@click.argument("benchmark", type=click.Path(path_type=Path))
@click.argument("claims", nargs=-1, required=True, type=click.Path(path_type=Path))
@sampling_options
@click.option("--key", type=click.Path(path_type=Path), required=True, help="Private key, the one of the benchmark.")
@click.option("-o", "--out", "output", type=click.Path(path_type=Path), required=True, help="The .proof file to write.")
def prove(benchmark: Path, claims: tuple[Path, ...], sampling: Sampling, key: Path, output: Path) -> None:
    """Prove that the claims which a beacon draws are those that BENCHMARK committed to.

    CLAIMS are all claims of the benchmark, in any order; a folder stands for the claims in it. The proof holds the
    drawn ones and their branches of the Merkle tree. The validator also needs the .claim and .solution files of the
    drawn nonces, to verify them.

    \b
    Example: tig-verify prove adam.benchmark out --beacon 4c35 --key key.pem -o adam.proof
    """
    signing_key = load_signing_key(key)
    require_new(output)
    signed = read_record(benchmark, Benchmark)
    if signed.signer != signing_key.verify_key.raw:
        raise InputError(f"{benchmark}: is not signed with {key}; pass the key that signed it")
    nonces = drawn(benchmark, signed, sampling)
    builder = BenchmarkBuilder(signed.record.task)
    every = entered(claims, builder, signing_key.verify_key)
    sampled = {claim.nonce: claim for claim in every if claim.nonce in nonces}
    try:
        proof = prove_claims(signed, sampling.beacon, builder, sampled)
    except RecordError as error:
        raise InputError(f"{benchmark}: {error}") from None
    write_file(output, seal(proof, signing_key).to_bytes())
    say(f"{output}: proves nonces {', '.join(map(str, nonces))} of {len(signed.record.qualities)}")
