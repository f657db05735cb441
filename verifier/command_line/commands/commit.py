"""`tig-verify commit`."""

from __future__ import annotations

from pathlib import Path

import click

from protocol.benchmark import BenchmarkBuilder
from protocol.envelope import seal
from verifier.challenge.errors import InputError
from verifier.command_line.files import load_signing_key, require_new, write_file
from verifier.command_line.options.whole_number import WholeNumber
from verifier.command_line.terminal import say
from verifier.command_line.verifying.claim_files import entered


@click.command()
@click.argument("claims", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--bundles", "num_bundles", type=WholeNumber(1), required=True, metavar="N",
              help="In how many bundles of equal size the nonces go when a sample is drawn.")  # fmt: skip
@click.option("--key", type=click.Path(path_type=Path), required=True, help="Private key, the one of the claims.")
@click.option(
    "-o", "--out", "output", type=click.Path(path_type=Path), required=True, help="The .benchmark file to write."
)
def commit(claims: tuple[Path, ...], num_bundles: int, key: Path, output: Path) -> None:
    """Commit to the claims of many nonces, before anybody draws which of them are to be proven.

    CLAIMS are those of nonces 0, 1, 2, ... of one task, in any order, all signed with the key; a folder stands for the
    claims in it. The benchmark lists their qualities and holds the root of a Merkle tree over their digests. Publish
    it, and keep the claims.

    \b
    Example: tig-verify commit out --bundles 2 --key key.pem -o adam.benchmark
    """
    signing_key = load_signing_key(key)
    require_new(output)
    builder = BenchmarkBuilder()
    for _ in entered(claims, builder, signing_key.verify_key):
        pass
    count = len(builder.qualities)
    if count % num_bundles:
        problem = f"{count:,} nonces cannot be in {num_bundles:,} bundles of equal size"
        raise InputError(f"--bundles: {problem}; give a number that divides {count:,}")
    benchmark = builder.build(num_bundles)
    write_file(output, seal(benchmark, signing_key).to_bytes())
    say(
        f"{output}: {len(benchmark.qualities):,} nonces in {num_bundles:,} bundles, "
        f"root {benchmark.merkle_root.hex()}, digest {benchmark.digest().hex()}"
    )
