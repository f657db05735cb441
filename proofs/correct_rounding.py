"""Prove by exhaustion that each function of a binary32 array is correctly rounded (specification 2.9).

For every one of the 2^32 inputs the product's result is compared with a reference. A binary64 library function decides
an input when all numbers within a relative 2^-40 of its result round to the same binary32. MPFR decides the others:
200 bits or more, rounded by integer arithmetic. That the library's error is far below 2^-40 is checked against MPFR
on a random sample, and recorded.

    python -m proofs.correct_rounding --function exp --jobs 2

may be stopped at any time and goes on where it was. Needs gmpy2.
"""

from __future__ import annotations

import argparse
import datetime
import functools
import json
import math
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import gmpy2  # type: ignore[import-untyped]
import numpy as np
import torch
from numpy.typing import NDArray

from arithmetic import ieee
from arithmetic.transcendental import functions
from arithmetic.transcendental.exceptions import EXCEPTIONS
from sandbox.errors import WorkerFault
from verifier.challenge.training.trainer import Observer
from verifier.runs.pool import TaskLost
from verifier.runs.queue import completed

Array = NDArray[Any]

INPUTS = 1 << 32
PASS = 1 << 16  # inputs that are held as binary64 at once
MARGIN = 2.0**-40
SAMPLE = 1 << 17
HARDEST = 100
OUTPUT = Path(__file__).parent / "results" / "correct_rounding.json"
VECTORS = Path(__file__).parents[1] / "fixtures" / "vectors" / "correct_rounding.json"


@dataclass(frozen=True)
class Function:
    """What is proved, a binary64 reference for most inputs, and the exact function for the others."""

    product: Callable[[Array], Array]
    library: Callable[[Array], Array]
    exact: Callable[[Any], Any]


def _torch(function: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Array], Array]:
    return lambda x: function(torch.from_numpy(x)).numpy()


def _square_root(a: Array) -> Array:
    """The product's square root with the one NaN: there payloads are left open."""
    root = ieee.square_root(a)
    root[np.isnan(root)] = np.nan
    return root


FUNCTIONS = {
    "exp": Function(functions.exp, _torch(torch.exp), gmpy2.exp),
    "expm1": Function(functions.expm1, _torch(torch.expm1), gmpy2.expm1),
    "log": Function(functions.log, np.log, gmpy2.log),
    "log1p": Function(functions.log1p, _torch(torch.log1p), gmpy2.log1p),
    "sin": Function(functions.sin, _torch(torch.sin), gmpy2.sin),
    "cos": Function(functions.cos, _torch(torch.cos), gmpy2.cos),
    "tanh": Function(functions.tanh, _torch(torch.tanh), gmpy2.tanh),
    "sigmoid": Function(functions.sigmoid, _torch(torch.sigmoid), lambda x: 1 / (1 + gmpy2.exp(-x))),
    "erf": Function(functions.erf, _torch(torch.erf), gmpy2.erf),
    "rsqrt": Function(functions.rsqrt, lambda x: 1.0 / np.sqrt(x), gmpy2.rec_sqrt),
    "square_root": Function(_square_root, np.sqrt, gmpy2.sqrt),
}


def decide(name: str, argument: float) -> tuple[int, float]:
    """The bits of the correctly rounded result, and the exact one's distance from a tie in units of the last place."""
    precision = 200
    while True:
        with gmpy2.context(precision=precision, emax=1 << 20, emin=-(1 << 20)):
            value = FUNCTIONS[name].exact(gmpy2.mpfr(argument))
        mantissa, exponent = (int(n) for n in value.as_mantissa_exp())
        lengthening = max(0, precision - abs(mantissa).bit_length())
        mantissa, exponent = mantissa << lengthening, exponent - lengthening
        results = {_rounded(mantissa + slack, exponent) for slack in (-16, 0, 16)}
        if len({bits for bits, _ in results}) == 1:
            return _rounded(mantissa, exponent)
        precision *= 2


def _rounded(mantissa: int, exponent: int) -> tuple[int, float]:
    """mantissa * 2^exponent as binary32 bits, ties to even, and its distance from a tie in units of the last place."""
    sign, magnitude = (0x80000000, -mantissa) if mantissa < 0 else (0, mantissa)
    dropped = max(magnitude.bit_length() - 24, -149 - exponent)
    if dropped <= 0:
        return sign | _encoded(magnitude << -dropped, exponent + dropped), 0.5
    quotient, rest = divmod(magnitude, 1 << dropped)
    half = 1 << dropped - 1
    up = rest > half or (rest == half and quotient & 1)
    return sign | _encoded(quotient + up, exponent + dropped), abs(rest - half) / (1 << dropped)


def _encoded(quotient: int, exponent: int) -> int:
    """Bits of quotient * 2^exponent, quotient of at most 2^24."""
    if quotient == 1 << 24:
        quotient, exponent = 1 << 23, exponent + 1
    if quotient < 1 << 23:
        return quotient
    return 0x7F800000 if exponent > 104 else (exponent + 150 << 23) + quotient - (1 << 23)


def check(name: str, first: int, count: int) -> dict[str, Any]:
    """Compare the product with the reference on the inputs with bits `first` to `first + count - 1`."""
    mismatches: list[tuple[int, int, int]] = []
    hard: list[tuple[float, int, int]] = []
    decided = 0
    for start in range(first, first + count, PASS):
        bits = np.arange(start, min(start + PASS, first + count), dtype=np.uint64).astype(np.uint32)
        argument = bits.view(np.float32)
        with np.errstate(all="ignore"):
            result = FUNCTIONS[name].product(argument).view(np.uint32)
        expected, open_cases = _reference(name, argument)
        for i in open_cases.tolist():
            expected[i], distance = decide(name, float(argument[i]))
            hard.append((distance, int(bits[i]), int(expected[i])))
        decided += len(open_cases)
        wrong = np.flatnonzero(result != expected)
        mismatches += [(int(bits[i]), int(result[i]), int(expected[i])) for i in wrong[:1000]]
    return {"checked": count, "mismatches": mismatches, "mpfr": decided, "hardest": sorted(hard)[:HARDEST]}


def _reference(name: str, argument: Array) -> tuple[Array, Array]:
    """Expected bits, and the index of those that the library cannot decide."""
    with np.errstate(all="ignore"):
        value = FUNCTIONS[name].library(argument.astype(np.float64))
        low, high = (value * (1.0 - MARGIN)).astype(np.float32), (value * (1.0 + MARGIN)).astype(np.float32)
    low[np.isnan(low)] = high[np.isnan(high)] = np.nan
    expected = low.view(np.uint32)
    return expected, np.flatnonzero(expected != high.view(np.uint32))


def library_error(name: str) -> float:
    """The largest relative error of the binary64 library function, where binary32 can tell, on a random sample."""
    bits = np.random.default_rng(0).integers(0, INPUTS, SAMPLE, dtype=np.uint32)
    with np.errstate(all="ignore"):
        argument = bits.view(np.float32).astype(np.float64)
        values = FUNCTIONS[name].library(argument)
    worst = 0.0
    with gmpy2.context(precision=120, emax=1 << 20, emin=-(1 << 20)):
        for x, value in zip(argument.tolist(), values.tolist(), strict=True):
            exact = FUNCTIONS[name].exact(gmpy2.mpfr(x))
            if 2.0**-200 < abs(value) < 2.0**200:
                worst = max(worst, float(abs((gmpy2.mpfr(value) - exact) / exact)))
            elif not math.isnan(value):
                assert abs(exact) < 2.0**-199 or abs(exact) > 2.0**199, x
            else:
                assert gmpy2.is_nan(exact), x
    return worst


def prove(name: str, chunk: int, jobs: int, output: Path, vectors: Path) -> dict[str, Any]:
    """Check all inputs of a function, chunk by chunk, resuming from the chunks done; record the result and vectors."""
    partial = output.with_name(f"{output.stem}.{name}.partial")
    done: dict[str, Any] = json.loads(partial.read_text()) if partial.exists() else {}
    todo = [first for first in range(0, INPUTS, chunk) if f"{first}+{chunk}" not in done]
    began = time.monotonic()
    with closing(completed(functools.partial(opened, name, chunk), todo, jobs)) as results:
        for number, (first, result) in enumerate(results, 1):
            if isinstance(result, TaskLost):
                raise WorkerFault(f"{name}, the chunk from {first} on: {result.why}; call again to go on")
            done[f"{first}+{chunk}"] = result
            _write(partial, done)
            seconds = time.monotonic() - began
            print(f"{name}: {number}/{len(todo)} chunks, {seconds:.0f} s", file=sys.stderr, flush=True)
    entry = _summary(name, done, time.monotonic() - began)
    _record(output, name, entry)
    if name in EXCEPTIONS:
        _record(vectors, name, hardest(name, done))
    partial.unlink(missing_ok=True)
    return entry


def hardest(name: str, done: dict[str, Any]) -> list[str]:
    """Inputs closest to a tie, all that are exceptions, and their results, as hexadecimal patterns."""
    closest = sorted(h for result in done.values() for h in result["hardest"])[:HARDEST]
    vectors = {argument: result for _, argument, result in closest} | EXCEPTIONS.get(name, {})
    return [f"{argument:08x} {result:08x}" for argument, result in sorted(vectors.items())]


@contextmanager
def opened(name: str, chunk: int, observer: Observer | None) -> Iterator[Callable[[int], dict[str, Any]]]:
    """Checks chunks of a function's inputs by their first bits, on one thread."""
    torch.set_num_threads(1)
    yield lambda first: check(name, first, min(chunk, INPUTS - first))


def _summary(name: str, done: dict[str, Any], seconds: float) -> dict[str, Any]:
    results = list(done.values())
    mismatches = sorted(m for r in results for m in r["mismatches"])
    return {
        "inputs": sum(r["checked"] for r in results),
        "mismatches": len(mismatches),
        "first_mismatches": [[f"{b:08x}" for b in m] for m in mismatches[:100]],
        "decided_by_mpfr": sum(r["mpfr"] for r in results),
        "exceptions": len(EXCEPTIONS.get(name, {})),
        "library_relative_error": library_error(name),
        "closest_to_a_tie": min(distance for r in results for distance, _, _ in r["hardest"]),
        "seconds": round(seconds),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "gmpy2": gmpy2.version(),
            "mpfr": gmpy2.mpfr_version(),
        },
        "cpu": f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}",
    }


def _record(output: Path, name: str, entry: dict[str, Any] | list[str]) -> None:
    records = json.loads(output.read_text()) if output.exists() else {}
    _write(output, dict(sorted({**records, name: entry}.items())), indent=1)


def _write(path: Path, value: dict[str, Any], indent: int | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(path.suffix + ".new")
    scratch.write_text(json.dumps(value, indent=indent) + "\n")
    os.replace(scratch, path)


def main() -> int:
    """Prove the functions that are asked for; the exit code is 1 if one is not correctly rounded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--function", choices=[*FUNCTIONS, "all"], default="all")
    parser.add_argument("--chunk", type=int, default=1 << 24, help="inputs that are recorded together")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--vectors", type=Path, default=VECTORS)
    parser.add_argument("--find", action="store_true", help="print the mismatches as lines of the table of exceptions")
    arguments = parser.parse_args()
    wrong = 0
    for name in FUNCTIONS if arguments.function == "all" else [arguments.function]:
        entry = prove(name, arguments.chunk, arguments.jobs, arguments.output, arguments.vectors)
        wrong += entry["mismatches"]
        print(f"{name}: {entry['inputs']} inputs, {entry['mismatches']} mismatches, {entry['seconds']} s")
        if arguments.find:
            for argument, _, expected in entry["first_mismatches"]:
                print(f"        0x{argument.upper()}: 0x{expected.upper()},")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(import_module("proofs.correct_rounding").main())  # by its name, for other processes
