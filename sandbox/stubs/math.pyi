"""What `import math` gives in an optimiser module: correctly rounded functions of numbers."""

from typing import Final, SupportsFloat

e: Final[float]
inf: Final[float]
nan: Final[float]
pi: Final[float]
tau: Final[float]

def ceil(x: SupportsFloat) -> int:
    """The smallest integer not below x."""

def copysign(x: SupportsFloat, y: SupportsFloat) -> float:
    """The size of x with the sign of y."""

def cos(x: SupportsFloat) -> float:
    """The cosine."""

def erf(x: SupportsFloat) -> float:
    """The error function."""

def exp(x: SupportsFloat) -> float:
    """e^x."""

def expm1(x: SupportsFloat) -> float:
    """e^x - 1."""

def fabs(x: SupportsFloat) -> float:
    """The absolute value."""

def floor(x: SupportsFloat) -> int:
    """The largest integer not above x."""

def isfinite(x: SupportsFloat) -> bool:
    """Whether x is neither infinite nor a NaN."""

def isinf(x: SupportsFloat) -> bool:
    """Whether x is infinite."""

def isnan(x: SupportsFloat) -> bool:
    """Whether x is a NaN."""

def log(x: SupportsFloat) -> float:
    """The natural logarithm."""

def log1p(x: SupportsFloat) -> float:
    """log(1 + x)."""

def pow(x: SupportsFloat, y: SupportsFloat) -> float:
    """x^y."""

def sin(x: SupportsFloat) -> float:
    """The sine."""

def sqrt(x: SupportsFloat) -> float:
    """The square root."""

def tanh(x: SupportsFloat) -> float:
    """The hyperbolic tangent."""
