"""The self-test at start-up: does this machine, as it is set up, compute what the specification says?

It takes a few milliseconds and is no proof, but catches what is known to go wrong: another rounding mode, subnormal
numbers flushed to zero, products that are not exact, another result of any operation.
Here are the operations that everybody needs. Who executes programs, or computes on a device, also tests its own with
`binary32_vectors`.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from typing import Any

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from arithmetic import engine_choice, exact_sums
from arithmetic.errors import MachineError
from arithmetic.transcendental import elementary

Array = NDArray[np.float32]
Arithmetic = Callable[[str, float, float], float]
"""One way to add ("+") or multiply ("*") two numbers."""
Vector = tuple[str, Callable[[], str], str]
"""Operations by name, a digest of their results on fixed operands, and the digest that the specification gives."""


@cache
def require_sound() -> None:
    """Test this process's arithmetic once. Raises MachineError."""
    refuse(faults())


def refuse(found: Iterable[str]) -> None:
    """Raise MachineError, naming all faults that were found, if any was."""
    if wrong := "; ".join(found):
        raise MachineError(f"this machine cannot compute what must be computed: {wrong}")


def faults() -> Iterator[str]:
    """The faults of this process's arithmetic, each with what to do."""
    broken = list(rounding_faults(_arithmetics()))
    if broken:
        yield from broken  # everything else would follow from it
        return
    try:
        engine_choice.forced()
        engine_choice.engine()
    except MachineError as error:
        yield str(error)
        return
    yield from other_bits(_VECTORS)


def rounding_faults(arithmetics: Iterable[tuple[str, int, Arithmetic]]) -> Iterator[str]:
    """Those of the arithmetics (name, bits of precision) that flush subnormal numbers, or round in another mode."""
    for name, precision, arithmetic in arithmetics:
        if not _keeps_subnormals(arithmetic, precision):
            yield f"{name} flushes subnormal numbers to zero (call torch.set_flush_denormal(False))"
        elif not _rounds_to_nearest(arithmetic, precision):
            yield f"{name} does not round to nearest, ties to even (something has set another rounding mode)"


def other_bits(vectors: Iterable[Vector]) -> Iterator[str]:
    """Those of the operations that give other bits than they must."""
    for name, compute, expected in vectors:
        if compute() != expected:
            yield f"{name} give other bits than the specification's"


def binary32_vectors(
    elementwise: Any, named: Any, sums: Any, given: Callable[[Array], Any], taken: Callable[[Any], Array]
) -> tuple[Vector, ...]:
    """The operations of the modules `ieee`, `functions` and `reductions` of a library.

    `given` makes its arrays from NumPy's, `taken` NumPy's from its.
    """

    def digest_of(compute: Callable[[], Iterable[Any]]) -> str:
        with np.errstate(all="ignore"):
            results = [taken(result) for result in compute()]
        return digest(*(np.where(np.isnan(result), np.float32(np.nan), result) for result in results))

    def operations() -> Iterator[Any]:
        a, b = given(patterns(257)), given(patterns(257)[::-1].copy())
        yield from (elementwise.add(a, b), elementwise.subtract(a, b), elementwise.multiply(a, b))
        yield from (elementwise.divide(a, b), elementwise.square_root(a), elementwise.divide(a, 3.0))

    def functions_of_one() -> Iterator[Any]:
        a = given(patterns(257))
        for name in ("exp", "log", "log1p", "expm1", "sin", "cos", "tanh", "sigmoid", "erf", "rsqrt"):
            yield getattr(named, name)(a)

    def sums_and_products() -> Iterator[Any]:
        a, b = given(small_numbers(33, 64)), given(small_numbers(64, 17))
        yield from (sums.sums(a, 0), sums.sums(a, 1), sums.matmul(a, b))

    return (
        ("elementwise operations", partial(digest_of, operations), "cbce975ca5edc161"),
        ("functions of binary32", partial(digest_of, functions_of_one), "8055c03827471664"),
        ("sums and products", partial(digest_of, sums_and_products), "afe13b795745e412"),
    )


def digest(*values: NDArray[np.generic] | float) -> str:
    """Sixteen digits of the hash of the bits of numbers."""
    hasher = blake3()
    for value in values:
        hasher.update(np.ascontiguousarray(value).tobytes())
    return hasher.hexdigest()[:16]


def patterns(count: int) -> NDArray[np.float32]:
    """Binary32 numbers of all kinds: signs, zeros, subnormals, infinities, NaNs."""
    bits = (np.arange(count, dtype=np.uint64) * 2654435761 % 2**32).astype(np.uint32)
    bits[:8] = (0, 0x80000000, 1, 0x80000001, 0x7F800000, 0xFF800000, 0x7FC00001, 0x3F800000)
    return bits.view(np.float32)


def small_numbers(rows: int, columns: int) -> NDArray[np.float32]:
    """A binary32 matrix of numbers between -1 and 1."""
    values = np.arange(rows * columns, dtype=np.uint64) * 2654435761 % 2**32
    return (values.astype(np.float64) * 2.0**-31 - 1.0).astype(np.float32).reshape(rows, columns)


def _arithmetics() -> Iterator[tuple[str, int, Arithmetic]]:
    """Ways in which this process adds and multiplies, with their precision in bits."""
    yield "Python's binary64", 53, lambda op, a, b: a + b if op == "+" else a * b
    yield "NumPy's binary64", 53, _numpy(np.float64)
    yield "NumPy's binary32", 24, _numpy(np.float32)


def _numpy(dtype: type[np.floating]) -> Arithmetic:
    def arithmetic(op: str, a: float, b: float) -> float:
        x, y = np.full(9, a, dtype), np.full(9, b, dtype)
        return float((x + y if op == "+" else x * y)[8])

    return arithmetic


def _keeps_subnormals(arithmetic: Arithmetic, precision: int) -> bool:
    smallest = -1022 if precision == 53 else -126
    # Scaled back up inside the same arithmetic; compared as bits, because a comparison may flush too.
    number = math.ldexp(1.0, smallest)
    flushed = arithmetic("*", arithmetic("*", number, 0.5), 2.0)
    return struct.pack("<d", flushed) == struct.pack("<d", number)


def _rounds_to_nearest(arithmetic: Arithmetic, precision: int) -> bool:
    ulp = math.ldexp(1.0, 1 - precision)  # a power would be rounded in the very mode that is in question
    tie_down, tie_up = arithmetic("+", 1.0, ulp / 2.0), arithmetic("+", 1.0 + ulp, ulp / 2.0)
    negative, above = arithmetic("+", -1.0, -ulp / 2.0), arithmetic("*", 1.0 + ulp, 1.0 + ulp)
    return (tie_down, tie_up, negative, above) == (1.0, 1.0 + 2.0 * ulp, -1.0, 1.0 + 2.0 * ulp)


def _scalars() -> str:
    numbers = (0.1, 0.7, 1.5, 2.5, 9.75, 101.0)
    named = (elementary.exp, elementary.log, elementary.sin, elementary.cos)
    return digest(*(f(x) for f in named for x in numbers))


def _sums() -> str:
    a = small_numbers(33, 64)
    return digest(
        exact_sums.column_sums(a),
        exact_sums.total(a),
        exact_sums.mean_square(a),
        exact_sums.row_sums(a.astype(np.float64)),
    )


_VECTORS: tuple[Vector, ...] = (
    ("functions of numbers", _scalars, "0a3198ee3ea4b8a7"),
    ("exact sums", _sums, "95db4c5cff148e74"),
)
