"""Fuel prices of the facade (specification, section 7): one unit is about 0.2 ns on one 2025 CPU core.

A call costs `BASE` plus its price for each element of the result, charged before it runs.
"""

BASE = 10_000
SIMPLE = 1
"""Add, multiply, divide, compare, select, copy."""
ROOT = 3
REDUCTION = 8
"""An exact sum, for each element that is summed."""
PRODUCT_ELEMENT = 10
"""An exact product, for each element of both operands and of the result."""
MULTIPLY_ADDS = 3
"""Multiply-adds of an exact product for one unit."""
UNIFORM = 50
NORMAL = 300
SCALAR = 1_000
"""A function of `math`."""
