"""Numbers as people read them: with separators, in three digits, without padding."""

from __future__ import annotations

import math

_WHOLE = 999.5
"""From here on three digits need no point."""


def decimal(value: float) -> str:
    """A measured number in three significant digits, such as 0.180, 12.3, 4,560 or 1.2e-7."""
    if not math.isfinite(value):
        return str(value)
    if abs(value) >= _WHOLE:
        return f"{float(f'{value:.3g}'):,.0f}"
    mantissa, e, exponent = f"{value:#.3g}".partition("e")
    return f"{mantissa.rstrip('.')}{e}{int(exponent)}" if e else mantissa.rstrip(".")


def fuel(units: float) -> str:
    """A number of units of fuel in three significant digits, such as 2.19e9; below a million whole, such as 12,345."""
    if abs(units) < 1e6:
        return f"{units:,.0f}"
    mantissa, _, exponent = f"{units:.2e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
