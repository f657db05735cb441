"""`tig-verify c006 audit`."""

from __future__ import annotations

from pathlib import Path

import click

from protocol.errors import ProtocolError
from protocol.network.benchmark_data import BenchmarkData
from verifier.c006.audit import CheckResult
from verifier.c006.audit import audit as examine
from verifier.challenge.errors import InputError, VerifierError
from verifier.command_line.exit_codes import REJECTED
from verifier.command_line.files import read_file
from verifier.command_line.terminal import json_text, say


@click.command()
@click.argument("benchmark", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead.")
def audit(benchmark: Path, as_json: bool) -> int:
    """Audit a benchmark of the live network's challenge on a CPU.

    BENCHMARK is a file with what the network's API answers to get-benchmark-data. Checked are its stage; the Merkle
    proofs of the sampled nonces; and of each such nonce, whether the solution loads, whether its quality is the
    reported one within the tolerance of `evaluate`, and whether the two frozen layers are still what the initialiser
    drew.

    An audit that passes does not prove that the benchmarker ran the algorithm, that the weights were trained on the
    training points alone, or that the fuel and the runtime signature are true. It says nothing of nonces that were not
    sampled, and anybody can choose the address that frozen layers are drawn from.

    Exit code 1 if a check fails.

    \b
    Example: tig-verify c006 audit benchmark-data.json
    """
    data, results = _read(benchmark), []
    try:
        for result in examine(data):
            results.append(result)
            if not as_json:
                say(_as_text(result))
    except (ProtocolError, VerifierError) as error:
        raise InputError(f"{benchmark}: {error}") from None
    failed = sum(not result.passed for result in results)
    if as_json:
        say(_as_json(benchmark, data, results))
    else:
        say(f"{benchmark}: {f'{failed} of {len(results)} checks failed' if failed else 'all checks passed'}")
    return REJECTED if failed else 0


def _read(path: Path) -> BenchmarkData:
    try:
        return BenchmarkData.from_json(read_file(path))
    except ProtocolError as error:
        raise InputError(f"{path}: is no answer to get-benchmark-data: {error}") from None


def _as_text(result: CheckResult) -> str:
    whose = "" if result.nonce is None else f" of nonce {result.nonce}"
    return f"{result.check}{whose}: {result.fault or 'passed'}: {result.detail}"


def _as_json(benchmark: Path, data: BenchmarkData, results: list[CheckResult]) -> str:
    checks = [
        {"check": result.check, "nonce": result.nonce, "fault": result.fault, "detail": result.detail}
        for result in results
    ]
    passed = all(result.passed for result in results)
    identity = {"file": str(benchmark), "benchmark_id": data.benchmark.benchmark_id}
    return json_text({**identity, "passed": passed, "checks": checks})
