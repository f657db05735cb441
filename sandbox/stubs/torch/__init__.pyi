"""What `import torch` gives in an optimiser module: this toolkit's own arithmetic under torch's names.

These stubs are for editors and type checkers. Nothing imports them when a module runs.
"""

from collections.abc import Iterator, Sequence
from types import EllipsisType
from typing import Any, Final, Self, TypeAlias, TypeVar, overload

from torch import linalg as linalg

_Number: TypeAlias = float
_Dimensions: TypeAlias = int | Sequence[int] | None
_Place: TypeAlias = int | slice | EllipsisType | None
_Index: TypeAlias = _Place | tuple[_Place, ...] | Tensor
_E = TypeVar("_E", Tensor, ParameterVector)

Difficulty: TypeAlias = dict[str, int]
"""The numbers of the track, such as n_hidden; for annotations."""
Hyperparameters: TypeAlias = dict[str, Any]
"""HYPERPARAMETERS with the overrides of the call; for annotations."""
State: TypeAlias = Any
"""Dicts, lists, tuples, tensors, vectors, numbers, strings and None; for annotations."""
Updates: TypeAlias = ParameterVector | list[Tensor]
"""What is added to the parameters, or a location: a vector, or a tensor for each parameter; for annotations."""

float32: Final[str]
int64: Final[str]
preserve_format: Final[str]

class _Elements:
    def abs(self) -> Self:
        """The absolute values."""
    def abs_(self) -> Self:
        """`abs`, bound to this tensor."""
    def add(self, other: Self | Tensor | _Number, *, alpha: _Number = 1) -> Self:
        """self + alpha * other: a product and a sum, each rounded."""
    def add_(self, other: Self | Tensor | _Number, *, alpha: _Number = 1) -> Self:
        """`add`, bound to this tensor."""
    def addcdiv(self, a: Self | Tensor | _Number, b: Self | Tensor | _Number, *, value: _Number = 1) -> Self:
        """self + (value * a) / b, each operation rounded."""
    def addcdiv_(self, a: Self | Tensor | _Number, b: Self | Tensor | _Number, *, value: _Number = 1) -> Self:
        """`addcdiv`, bound to this tensor."""
    def addcmul(self, a: Self | Tensor | _Number, b: Self | Tensor | _Number, *, value: _Number = 1) -> Self:
        """self + (value * a) * b, each operation rounded."""
    def addcmul_(self, a: Self | Tensor | _Number, b: Self | Tensor | _Number, *, value: _Number = 1) -> Self:
        """`addcmul`, bound to this tensor."""
    def all(self) -> bool:
        """Whether a mask holds everywhere."""
    def amax(self, dim: _Dimensions = None, keepdim: bool = False) -> Tensor:
        """The largest elements."""
    def amin(self, dim: _Dimensions = None, keepdim: bool = False) -> Tensor:
        """The smallest elements."""
    def any(self) -> bool:
        """Whether a mask holds anywhere."""
    def ceil(self) -> Self:
        """The smallest integers not below the elements."""
    def ceil_(self) -> Self:
        """`ceil`, bound to this tensor."""
    def clamp(self, min: Self | Tensor | _Number | None = None, max: Self | Tensor | _Number | None = None) -> Self:
        """The elements limited to [min, max]."""
    def clamp_(self, min: Self | Tensor | _Number | None = None, max: Self | Tensor | _Number | None = None) -> Self:
        """`clamp`, bound to this tensor."""
    def clamp_max(self, max: Self | Tensor | _Number) -> Self:
        """The elements, at most max."""
    def clamp_max_(self, max: Self | Tensor | _Number) -> Self:
        """`clamp_max`, bound to this tensor."""
    def clamp_min(self, min: Self | Tensor | _Number) -> Self:
        """The elements, at least min."""
    def clamp_min_(self, min: Self | Tensor | _Number) -> Self:
        """`clamp_min`, bound to this tensor."""
    def clip(self, min: Self | Tensor | _Number | None = None, max: Self | Tensor | _Number | None = None) -> Self:
        """`clamp` by another name."""
    def clip_(self, min: Self | Tensor | _Number | None = None, max: Self | Tensor | _Number | None = None) -> Self:
        """`clip`, bound to this tensor."""
    def clone(self) -> Self:
        """A copy that in-place methods may change."""
    def contiguous(self) -> Self:
        """This tensor."""
    def copy_(self, source: Self) -> Self:
        """The elements of another tensor of the same shape, bound to this tensor."""
    def cos(self) -> Self:
        """The cosines."""
    def cos_(self) -> Self:
        """`cos`, bound to this tensor."""
    @property
    def data(self) -> Self:
        """This tensor."""
    def detach(self) -> Self:
        """This tensor."""
    @property
    def device(self) -> str:
        """The only device."""
    def div(self, other: Self | Tensor | _Number) -> Self:
        """self / other."""
    def div_(self, other: Self | Tensor | _Number) -> Self:
        """`div`, bound to this tensor."""
    def dot(self, other: Self) -> Tensor:
        """The sum over all elements of the rounded products with a tensor of the same shape."""
    @property
    def dtype(self) -> str:
        """The name of the elements' dtype: float32, bool or int64."""
    def eq(self, other: Self | Tensor | _Number) -> Self:
        """The mask of self == other."""
    def erf(self) -> Self:
        """The error function."""
    def erf_(self) -> Self:
        """`erf`, bound to this tensor."""
    def exp(self) -> Self:
        """e ** self."""
    def exp_(self) -> Self:
        """`exp`, bound to this tensor."""
    def expm1(self) -> Self:
        """e ** self - 1, rounded once."""
    def expm1_(self) -> Self:
        """`expm1`, bound to this tensor."""
    def fill_(self, value: _Number | Tensor) -> Self:
        """One number in every element, bound to this tensor."""
    def float(self) -> Self:
        """A mask as 1.0 and 0.0; indices as the nearest numbers."""
    def floor(self) -> Self:
        """The largest integers not above the elements."""
    def floor_(self) -> Self:
        """`floor`, bound to this tensor."""
    def ge(self, other: Self | Tensor | _Number) -> Self:
        """The mask of self >= other."""
    def gt(self, other: Self | Tensor | _Number) -> Self:
        """The mask of self > other."""
    def isfinite(self) -> Self:
        """The mask of elements that are neither infinite nor NaN."""
    def isnan(self) -> Self:
        """The mask of elements that are NaN."""
    def le(self, other: Self | Tensor | _Number) -> Self:
        """The mask of self <= other."""
    def lerp(self, end: Self | Tensor | _Number, weight: _Number | Tensor) -> Self:
        """self + weight * (end - self), each operation rounded."""
    def lerp_(self, end: Self | Tensor | _Number, weight: _Number | Tensor) -> Self:
        """`lerp`, bound to this tensor."""
    def log(self) -> Self:
        """The natural logarithms."""
    def log1p(self) -> Self:
        """The natural logarithms of 1 + self, rounded once."""
    def log1p_(self) -> Self:
        """`log1p`, bound to this tensor."""
    def log_(self) -> Self:
        """`log`, bound to this tensor."""
    def lt(self, other: Self | Tensor | _Number) -> Self:
        """The mask of self < other."""
    def masked_fill(self, mask: Self | Tensor, value: _Number | Tensor) -> Self:
        """One number where a mask holds, else the own elements."""
    def masked_fill_(self, mask: Self | Tensor, value: _Number | Tensor) -> Self:
        """`masked_fill`, bound to this tensor."""
    def maximum(self, other: Self | Tensor | _Number) -> Self:
        """The larger of self and other."""
    def mean(self, dim: _Dimensions = None, keepdim: bool = False) -> Tensor:
        """The sums divided by the number of their terms."""
    def minimum(self, other: Self | Tensor | _Number) -> Self:
        """The smaller of self and other."""
    def mul(self, other: Self | Tensor | _Number) -> Self:
        """self * other."""
    def mul_(self, other: Self | Tensor | _Number) -> Self:
        """`mul`, bound to this tensor."""
    def ne(self, other: Self | Tensor | _Number) -> Self:
        """The mask of self != other."""
    def neg(self) -> Self:
        """The elements with the other sign."""
    def neg_(self) -> Self:
        """`neg`, bound to this tensor."""
    def norm(self, p: _Number | str | None = 2, dim: _Dimensions = None, keepdim: bool = False) -> Tensor:
        """The square root of the sums of the rounded squares; for p = 1 the sums, for p = inf the largest sizes."""
    def numel(self) -> int:
        """The number of elements."""
    def pow(self, power: Self | Tensor | _Number) -> Self:
        """self ** power."""
    def pow_(self, power: Self | Tensor | _Number) -> Self:
        """`pow`, bound to this tensor."""
    def reciprocal(self) -> Self:
        """1 / self."""
    def reciprocal_(self) -> Self:
        """`reciprocal`, bound to this tensor."""
    def round(self) -> Self:
        """The nearest integers, ties to even."""
    def round_(self) -> Self:
        """`round`, bound to this tensor."""
    def rsqrt(self) -> Self:
        """1 / sqrt(self), rounded once."""
    def rsqrt_(self) -> Self:
        """`rsqrt`, bound to this tensor."""
    def sigmoid(self) -> Self:
        """1 / (1 + e ** -self), rounded once."""
    def sigmoid_(self) -> Self:
        """`sigmoid`, bound to this tensor."""
    def sign(self) -> Self:
        """The signs: 1.0, -1.0 or 0.0."""
    def sign_(self) -> Self:
        """`sign`, bound to this tensor."""
    def sin(self) -> Self:
        """The sines."""
    def sin_(self) -> Self:
        """`sin`, bound to this tensor."""
    def sqrt(self) -> Self:
        """The square roots."""
    def sqrt_(self) -> Self:
        """`sqrt`, bound to this tensor."""
    def square(self) -> Self:
        """The squares."""
    def square_(self) -> Self:
        """`square`, bound to this tensor."""
    def std(self, dim: _Dimensions = None, unbiased: bool = True, keepdim: bool = False) -> Tensor:
        """The square root of `var`."""
    def sub(self, other: Self | Tensor | _Number, *, alpha: _Number = 1) -> Self:
        """self - alpha * other: a product and a difference, each rounded."""
    def sub_(self, other: Self | Tensor | _Number, *, alpha: _Number = 1) -> Self:
        """`sub`, bound to this tensor."""
    def sum(self, dim: _Dimensions = None, keepdim: bool = False) -> Tensor:
        """The exact sums, each rounded once."""
    def tanh(self) -> Self:
        """The hyperbolic tangents."""
    def tanh_(self) -> Self:
        """`tanh`, bound to this tensor."""
    def to(self, kind: str | Self | Tensor) -> Self:
        """This tensor as numbers, or itself; `kind` is a dtype, the device, or another tensor that has the dtype."""
    def var(self, dim: _Dimensions = None, unbiased: bool = True, keepdim: bool = False) -> Tensor:
        """The sums of the squared distances from the mean, divided by n - 1 or by n."""
    def zero_(self) -> Self:
        """Zeros, bound to this tensor."""
    def __add__(self, other: Self | Tensor | _Number) -> Self: ...
    def __radd__(self, other: Tensor | _Number) -> Self: ...
    def __sub__(self, other: Self | Tensor | _Number) -> Self: ...
    def __rsub__(self, other: Tensor | _Number) -> Self: ...
    def __mul__(self, other: Self | Tensor | _Number) -> Self: ...
    def __rmul__(self, other: Tensor | _Number) -> Self: ...
    def __truediv__(self, other: Self | Tensor | _Number) -> Self: ...
    def __rtruediv__(self, other: Tensor | _Number) -> Self: ...
    def __pow__(self, other: Self | Tensor | _Number) -> Self: ...
    def __rpow__(self, other: Tensor | _Number) -> Self: ...
    def __lt__(self, other: Self | Tensor | _Number) -> Self: ...
    def __le__(self, other: Self | Tensor | _Number) -> Self: ...
    def __gt__(self, other: Self | Tensor | _Number) -> Self: ...
    def __ge__(self, other: Self | Tensor | _Number) -> Self: ...
    def __eq__(self, other: object) -> Self: ...  # type: ignore[override]
    def __ne__(self, other: object) -> Self: ...  # type: ignore[override]
    def __and__(self, other: Self | Tensor) -> Self: ...
    def __or__(self, other: Self | Tensor) -> Self: ...
    def __neg__(self) -> Self: ...
    def __pos__(self) -> Self: ...
    def __abs__(self) -> Self: ...
    def __invert__(self) -> Self: ...

class Tensor(_Elements):
    """A tensor of any shape: numbers (float32), a mask, or indices (int64)."""

    @property
    def T(self) -> Tensor:
        """A matrix transposed."""
    def addmm(self, a: Tensor, b: Tensor, *, beta: _Number = 1, alpha: _Number = 1) -> Tensor:
        """beta * self + alpha * (a @ b), each operation rounded."""
    def argmax(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """The index of the first of the largest elements: in row order, or along a dimension."""
    def argmin(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """The index of the first of the smallest elements: in row order, or along a dimension."""
    def argsort(self, dim: int = -1, descending: bool = False) -> Tensor:
        """The indices that `sort` gives."""
    def bmm(self, other: Tensor) -> Tensor:
        """`matmul` of batches of matrices."""
    def cumsum(self, dim: int) -> Tensor:
        """The exact sums of the first 1, 2, .. elements along a dimension, each rounded once."""
    def diag(self) -> Tensor:
        """The diagonal of a matrix, or a matrix with this diagonal and zeros."""
    def dim(self) -> int:
        """The number of dimensions."""
    def expand(self, *shape: int | Sequence[int]) -> Tensor:
        """The elements repeated along new dimensions and those of size 1; -1 keeps a size."""
    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Tensor:
        """Dimensions that follow each other as one; by default all."""
    def gather(self, dim: int, positions: Tensor) -> Tensor:
        """The elements at indices along a dimension, as `sort` gives them."""
    def item(self) -> _Number:
        """The only element as a number: an integer for an index."""
    @property
    def mT(self) -> Tensor:
        """The last two dimensions exchanged."""
    def matmul(self, other: Tensor) -> Tensor:
        """The matrix product, exact and rounded once."""
    def mm(self, other: Tensor) -> Tensor:
        """`matmul` of matrices."""
    def mv(self, other: Tensor) -> Tensor:
        """`matmul` of a matrix and a vector."""
    @property
    def ndim(self) -> int:
        """The number of dimensions."""
    def outer(self, other: Tensor) -> Tensor:
        """The products of each element of a vector with each of another: [m] and [n] to [m, n]."""
    def permute(self, *dims: int | Sequence[int]) -> Tensor:
        """All dimensions in another order."""
    def reshape(self, *shape: int | Sequence[int]) -> Tensor:
        """The same elements in another shape; one size may be -1."""
    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the dimensions."""
    def sort(self, dim: int = -1, descending: bool = False) -> tuple[Tensor, Tensor]:
        """The elements along a dimension in order, and their indices; equal ones keep their order."""
    def squeeze(self, dim: int | None = None) -> Tensor:
        """Without a dimension if its size is 1, or without all of these."""
    def t(self) -> Tensor:
        """A matrix transposed; a vector as it is."""
    def take(self, positions: Tensor) -> Tensor:
        """The elements at indices in row order, in the shape of the indices."""
    def tolist(self) -> Any:
        """The elements as lists of lists of numbers; of a tensor without dimensions, its number."""
    def topk(self, k: int, dim: int = -1, largest: bool = True) -> tuple[Tensor, Tensor]:
        """The k largest elements along a dimension, or the smallest, in order, and their indices."""
    def trace(self) -> Tensor:
        """The exact sum of the diagonal of a matrix."""
    def transpose(self, dim0: int, dim1: int) -> Tensor:
        """Two dimensions exchanged."""
    def tril(self, diagonal: int = 0) -> Tensor:
        """A matrix with zeros above a diagonal."""
    def triu(self, diagonal: int = 0) -> Tensor:
        """A matrix with zeros below a diagonal."""
    def unsqueeze(self, dim: int) -> Tensor:
        """A new dimension of size 1 at a place."""
    def view(self, *shape: int | Sequence[int]) -> Tensor:
        """The same elements in another shape; one size may be -1."""
    @overload
    def size(self) -> tuple[int, ...]:
        """The size of one dimension, or of all."""
    @overload
    def size(self, dim: int) -> int: ...
    @overload
    def max(self) -> Tensor:
        """The largest element; along a dimension the largest ones and their indices; or `maximum`."""
    @overload
    def max(self, dim: int, keepdim: bool = False) -> tuple[Tensor, Tensor]: ...
    @overload
    def max(self, dim: Tensor) -> Tensor: ...
    @overload
    def min(self) -> Tensor:
        """The smallest element; along a dimension the smallest ones and their indices; or `minimum`."""
    @overload
    def min(self, dim: int, keepdim: bool = False) -> tuple[Tensor, Tensor]: ...
    @overload
    def min(self, dim: Tensor) -> Tensor: ...
    def __matmul__(self, other: Tensor) -> Tensor: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Tensor]: ...
    def __getitem__(self, index: _Index) -> Tensor: ...
    def __setitem__(self, index: _Index, value: Tensor | _Number) -> None: ...
    def __float__(self) -> float: ...
    def __int__(self) -> int: ...
    def __bool__(self) -> bool: ...

class ParameterVector(_Elements):
    """All trainable parameters, or as many gradients or updates: a list of named tensors over one flat buffer."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the tensors."""
    @property
    def roles(self) -> tuple[str, ...]:
        """The roles of the tensors: weight, bias, norm.weight or norm.bias."""
    @overload
    def max(self) -> Tensor:
        """The largest element, or those of self and another tensor that are larger."""
    @overload
    def max(self, other: Self | Tensor | _Number) -> ParameterVector: ...
    @overload
    def min(self) -> Tensor:
        """The smallest element, or those of self and another tensor that are smaller."""
    @overload
    def min(self, other: Self | Tensor | _Number) -> ParameterVector: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> Tensor: ...
    def __iter__(self) -> Iterator[Tensor]: ...

class Generator:
    """The seeded random numbers `rng`, available while the state is made."""

    def normal(self, *shape: int | Sequence[int]) -> Tensor:
        """Standard normals, rounded once to binary32."""
    def permutation(self, n: int) -> list[int]:
        """The numbers 0 to n - 1 in a random order; a list, so of at most 2^20."""
    def rademacher(self, *shape: int | Sequence[int]) -> Tensor:
        """1 or -1."""
    def uniform(self, *shape: int | Sequence[int]) -> Tensor:
        """Multiples of 2^-24 in [0, 1)."""

def zeros(*shape: int | Sequence[int], dtype: str | None = None, device: str | None = None) -> Tensor:
    """A tensor of zeros."""

def ones(*shape: int | Sequence[int], dtype: str | None = None, device: str | None = None) -> Tensor:
    """A tensor of ones."""

def full(
    shape: int | Sequence[int], fill_value: _Number | Tensor, *, dtype: str | None = None, device: str | None = None
) -> Tensor:
    """A tensor of one number."""

def zeros_like(x: _E, *, dtype: str | None = None, device: str | None = None, memory_format: str | None = None) -> _E:
    """Zeros of the shape of x."""

def ones_like(x: _E, *, dtype: str | None = None, device: str | None = None, memory_format: str | None = None) -> _E:
    """Ones of the shape of x."""

def full_like(
    x: _E,
    fill_value: _Number | Tensor,
    *,
    dtype: str | None = None,
    device: str | None = None,
    memory_format: str | None = None,
) -> _E:
    """One number in the shape of x."""

def eye(n: int, m: int | None = None, *, dtype: str | None = None, device: str | None = None) -> Tensor:
    """A matrix [n, m] with ones on its diagonal and zeros elsewhere."""

def arange(
    start: _Number,
    end: _Number | None = None,
    step: _Number = 1,
    *,
    dtype: str | None = None,
    device: str | None = None,
) -> Tensor:
    """start, start + step, .. below end: of integers indices, else numbers."""

def linspace(
    start: _Number | Tensor, end: _Number | Tensor, steps: int, *, dtype: str | None = None, device: str | None = None
) -> Tensor:
    """So many numbers from start to end, at equal distances."""

def tensor(data: _Number | Sequence[Any], *, dtype: str | None = None, device: str | None = None) -> Tensor:
    """A tensor of a number, or of a list of numbers or of lists of one length."""

def stack(tensors: Sequence[Tensor] | ParameterVector, dim: int = 0) -> Tensor:
    """Tensors of one shape along a new dimension."""

def cat(tensors: Sequence[Tensor] | ParameterVector, dim: int = 0) -> Tensor:
    """Tensors one after the other along a dimension."""

@overload
def where(
    condition: ParameterVector, a: ParameterVector | Tensor | _Number, b: ParameterVector | Tensor | _Number
) -> ParameterVector:
    """a where a mask holds, else b."""

@overload
def where(condition: Tensor, a: Tensor | _Number, b: Tensor | _Number) -> Tensor: ...
def abs(x: _E) -> _E:
    """The absolute values."""

def add(x: _E, other: _E | Tensor | _Number, *, alpha: _Number = 1) -> _E:
    """self + alpha * other: a product and a sum, each rounded."""

def addcdiv(x: _E, a: _E | Tensor | _Number, b: _E | Tensor | _Number, *, value: _Number = 1) -> _E:
    """self + (value * a) / b, each operation rounded."""

def addcmul(x: _E, a: _E | Tensor | _Number, b: _E | Tensor | _Number, *, value: _Number = 1) -> _E:
    """self + (value * a) * b, each operation rounded."""

def addmm(x: Tensor, a: Tensor, b: Tensor, *, beta: _Number = 1, alpha: _Number = 1) -> Tensor:
    """beta * self + alpha * (a @ b), each operation rounded."""

def all(x: _E) -> bool:
    """Whether a mask holds everywhere."""

def amax(x: _E, dim: _Dimensions = None, keepdim: bool = False) -> Tensor:
    """The largest elements."""

def amin(x: _E, dim: _Dimensions = None, keepdim: bool = False) -> Tensor:
    """The smallest elements."""

def any(x: _E) -> bool:
    """Whether a mask holds anywhere."""

def argmax(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index of the first of the largest elements: in row order, or along a dimension."""

def argmin(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index of the first of the smallest elements: in row order, or along a dimension."""

def argsort(x: Tensor, dim: int = -1, descending: bool = False) -> Tensor:
    """The indices that `sort` gives."""

def bmm(x: Tensor, other: Tensor) -> Tensor:
    """`matmul` of batches of matrices."""

def ceil(x: _E) -> _E:
    """The smallest integers not below the elements."""

def clamp(x: _E, min: _E | Tensor | _Number | None = None, max: _E | Tensor | _Number | None = None) -> _E:
    """The elements limited to [min, max]."""

def clamp_max(x: _E, max: _E | Tensor | _Number) -> _E:
    """The elements, at most max."""

def clamp_min(x: _E, min: _E | Tensor | _Number) -> _E:
    """The elements, at least min."""

def clip(x: _E, min: _E | Tensor | _Number | None = None, max: _E | Tensor | _Number | None = None) -> _E:
    """`clamp` by another name."""

def clone(x: _E) -> _E:
    """A copy that in-place methods may change."""

def cos(x: _E) -> _E:
    """The cosines."""

def cumsum(x: Tensor, dim: int) -> Tensor:
    """The exact sums of the first 1, 2, .. elements along a dimension, each rounded once."""

def detach(x: _E) -> _E:
    """This tensor."""

def diag(x: Tensor) -> Tensor:
    """The diagonal of a matrix, or a matrix with this diagonal and zeros."""

def div(x: _E, other: _E | Tensor | _Number) -> _E:
    """self / other."""

def dot(x: _E, other: _E) -> Tensor:
    """The sum over all elements of the rounded products with a tensor of the same shape."""

def eq(x: _E, other: _E | Tensor | _Number) -> _E:
    """The mask of self == other."""

def erf(x: _E) -> _E:
    """The error function."""

def exp(x: _E) -> _E:
    """e ** self."""

def expm1(x: _E) -> _E:
    """e ** self - 1, rounded once."""

def flatten(x: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Dimensions that follow each other as one; by default all."""

def floor(x: _E) -> _E:
    """The largest integers not above the elements."""

def gather(x: Tensor, dim: int, positions: Tensor) -> Tensor:
    """The elements at indices along a dimension, as `sort` gives them."""

def ge(x: _E, other: _E | Tensor | _Number) -> _E:
    """The mask of self >= other."""

def gt(x: _E, other: _E | Tensor | _Number) -> _E:
    """The mask of self > other."""

def isfinite(x: _E) -> _E:
    """The mask of elements that are neither infinite nor NaN."""

def isnan(x: _E) -> _E:
    """The mask of elements that are NaN."""

def le(x: _E, other: _E | Tensor | _Number) -> _E:
    """The mask of self <= other."""

def lerp(x: _E, end: _E | Tensor | _Number, weight: _Number | Tensor) -> _E:
    """self + weight * (end - self), each operation rounded."""

def log(x: _E) -> _E:
    """The natural logarithms."""

def log1p(x: _E) -> _E:
    """The natural logarithms of 1 + self, rounded once."""

def lt(x: _E, other: _E | Tensor | _Number) -> _E:
    """The mask of self < other."""

def masked_fill(x: _E, mask: _E | Tensor, value: _Number | Tensor) -> _E:
    """One number where a mask holds, else the own elements."""

def matmul(x: Tensor, other: Tensor) -> Tensor:
    """The matrix product, exact and rounded once."""

@overload
def max(x: _E) -> Tensor:
    """The largest element; along a dimension the largest ones and their indices; or `maximum`."""

@overload
def max(x: _E, dim: _E) -> _E: ...
@overload
def max(x: Tensor, dim: int, keepdim: bool = False) -> tuple[Tensor, Tensor]: ...
def maximum(x: _E, other: _E | Tensor | _Number) -> _E:
    """The larger of self and other."""

def mean(x: _E, dim: _Dimensions = None, keepdim: bool = False) -> Tensor:
    """The sums divided by the number of their terms."""

@overload
def min(x: _E) -> Tensor:
    """The smallest element; along a dimension the smallest ones and their indices; or `minimum`."""

@overload
def min(x: _E, dim: _E) -> _E: ...
@overload
def min(x: Tensor, dim: int, keepdim: bool = False) -> tuple[Tensor, Tensor]: ...
def minimum(x: _E, other: _E | Tensor | _Number) -> _E:
    """The smaller of self and other."""

def mm(x: Tensor, other: Tensor) -> Tensor:
    """`matmul` of matrices."""

def mul(x: _E, other: _E | Tensor | _Number) -> _E:
    """self * other."""

def mv(x: Tensor, other: Tensor) -> Tensor:
    """`matmul` of a matrix and a vector."""

def ne(x: _E, other: _E | Tensor | _Number) -> _E:
    """The mask of self != other."""

def neg(x: _E) -> _E:
    """The elements with the other sign."""

def norm(x: _E, p: _Number | str | None = 2, dim: _Dimensions = None, keepdim: bool = False) -> Tensor:
    """The square root of the sums of the rounded squares; for p = 1 the sums, for p = inf the largest sizes."""

def numel(x: _E) -> int:
    """The number of elements."""

def outer(x: Tensor, other: Tensor) -> Tensor:
    """The products of each element of a vector with each of another: [m] and [n] to [m, n]."""

def permute(x: Tensor, *dims: int | Sequence[int]) -> Tensor:
    """All dimensions in another order."""

def pow(x: _E, power: _E | Tensor | _Number) -> _E:
    """self ** power."""

def reciprocal(x: _E) -> _E:
    """1 / self."""

def reshape(x: Tensor, *shape: int | Sequence[int]) -> Tensor:
    """The same elements in another shape; one size may be -1."""

def round(x: _E) -> _E:
    """The nearest integers, ties to even."""

def rsqrt(x: _E) -> _E:
    """1 / sqrt(self), rounded once."""

def sigmoid(x: _E) -> _E:
    """1 / (1 + e ** -self), rounded once."""

def sign(x: _E) -> _E:
    """The signs: 1.0, -1.0 or 0.0."""

def sin(x: _E) -> _E:
    """The sines."""

def sort(x: Tensor, dim: int = -1, descending: bool = False) -> tuple[Tensor, Tensor]:
    """The elements along a dimension in order, and their indices; equal ones keep their order."""

def sqrt(x: _E) -> _E:
    """The square roots."""

def square(x: _E) -> _E:
    """The squares."""

def squeeze(x: Tensor, dim: int | None = None) -> Tensor:
    """Without a dimension if its size is 1, or without all of these."""

def std(x: _E, dim: _Dimensions = None, unbiased: bool = True, keepdim: bool = False) -> Tensor:
    """The square root of `var`."""

def sub(x: _E, other: _E | Tensor | _Number, *, alpha: _Number = 1) -> _E:
    """self - alpha * other: a product and a difference, each rounded."""

def sum(x: _E, dim: _Dimensions = None, keepdim: bool = False) -> Tensor:
    """The exact sums, each rounded once."""

def t(x: Tensor) -> Tensor:
    """A matrix transposed; a vector as it is."""

def take(x: Tensor, positions: Tensor) -> Tensor:
    """The elements at indices in row order, in the shape of the indices."""

def tanh(x: _E) -> _E:
    """The hyperbolic tangents."""

def topk(x: Tensor, k: int, dim: int = -1, largest: bool = True) -> tuple[Tensor, Tensor]:
    """The k largest elements along a dimension, or the smallest, in order, and their indices."""

def trace(x: Tensor) -> Tensor:
    """The exact sum of the diagonal of a matrix."""

def transpose(x: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dimensions exchanged."""

def tril(x: Tensor, diagonal: int = 0) -> Tensor:
    """A matrix with zeros above a diagonal."""

def triu(x: Tensor, diagonal: int = 0) -> Tensor:
    """A matrix with zeros below a diagonal."""

def unsqueeze(x: Tensor, dim: int) -> Tensor:
    """A new dimension of size 1 at a place."""

def var(x: _E, dim: _Dimensions = None, unbiased: bool = True, keepdim: bool = False) -> Tensor:
    """The sums of the squared distances from the mean, divided by n - 1 or by n."""
