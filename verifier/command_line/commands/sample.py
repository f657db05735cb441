"""`tig-verify sample`."""

from __future__ import annotations

from pathlib import Path

import click

from protocol.benchmark import Benchmark
from verifier.command_line.files import read_record
from verifier.command_line.options.sampling_options import Sampling, drawn, sampling_options
from verifier.command_line.terminal import json_text, say


@click.command()
@click.argument("benchmark", type=click.Path(path_type=Path))
@sampling_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def sample(benchmark: Path, sampling: Sampling, as_json: bool) -> None:
    """Print the nonces of BENCHMARK that a beacon draws, ascending, one on each line.

    The beacon must be unknown to everybody when the benchmark is published: who knows it can try commitments until the
    sample misses what would not verify.

    \b
    Example: tig-verify sample adam.benchmark --beacon 4c35
    """
    signed = read_record(benchmark, Benchmark)
    nonces = drawn(benchmark, signed, sampling)
    if as_json:
        say(json_text({"file": str(benchmark), "signer": signed.signer.hex(), "nonces": nonces}))
    else:
        say(*map(str, nonces))
    say(*sampling.shortfall(len(nonces)), is_error=True)
