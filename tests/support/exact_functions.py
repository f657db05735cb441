"""Elementary functions in decimals of many digits, by the standard library's own and by power series."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

DIGITS = 110
PI = Decimal(
    "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706798214808651"
)


def odd_series(x: Decimal, factor: Callable[[int], Decimal]) -> Decimal:
    """Sum over n of terms x^(2n+1), each the one before times factor(n) x^2 (1 for the first)."""
    total = term = x
    n = 1
    while term and abs(term) > Decimal(10) ** (total.adjusted() - 60):
        term *= factor(n) * x * x
        total += term
        n += 1
    return total


def exact_sin(x: Decimal) -> Decimal:
    k = (x / PI).to_integral_value()
    value = odd_series(x - k * PI, lambda n: Decimal(-1) / (2 * n * (2 * n + 1)))
    return -value if k % 2 else value


def exact_erf(x: Decimal) -> Decimal:
    if abs(x) > 7:
        return Decimal(1).copy_sign(x)  # to 22 digits
    return 2 / PI.sqrt() * odd_series(x, lambda n: Decimal(1 - 2 * n) / (n * (2 * n + 1)))


def exact_tanh(x: Decimal) -> Decimal:
    return 1 - 2 / ((2 * x).exp() + 1)


EXACT: dict[str, Callable[[Decimal], Decimal]] = {
    "exp": Decimal.exp,
    "expm1": lambda x: x.exp() - 1,
    "log": Decimal.ln,
    "log1p": lambda x: (1 + x).ln(),
    "sin": exact_sin,
    "cos": lambda x: exact_sin(x + PI / 2),
    "tanh": exact_tanh,
    "sigmoid": lambda x: 1 / (1 + (-x).exp()),
    "erf": exact_erf,
    "rsqrt": lambda x: 1 / x.sqrt(),
}
