"""The table of operations (specification, 13.2): who records, charges, validates or executes one looks here.

Codes are gathered by what operations have in common. Operands are tensors of numbers where nothing else is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Final

from sandbox.program import kind_rules, parameters, prices, shape_rules
from sandbox.program.operation import Operation
from sandbox.program.parameters import Parameter
from sandbox.program.prices import Price
from sandbox.program.value import Shape

# Elementwise on one tensor.


def _on_one(code: int, name: str, price: Price) -> Operation:
    return Operation(code, name, kind_rules.numbers, shape_rules.unchanged, price)


NEGATE: Final = _on_one(1, "negate", prices.SIMPLE)
ABSOLUTE: Final = _on_one(2, "absolute", prices.SIMPLE)
SQUARE: Final = _on_one(3, "square", prices.SIMPLE)
RECIPROCAL: Final = _on_one(4, "reciprocal", prices.SIMPLE)
FLOOR: Final = _on_one(5, "floor", prices.SIMPLE)
CEIL: Final = _on_one(6, "ceil", prices.SIMPLE)
ROUND: Final = _on_one(7, "round", prices.SIMPLE)
SQUARE_ROOT: Final = _on_one(8, "square root", prices.ROOT)
SIGN: Final = _on_one(9, "sign", prices.MASK)
FINITE: Final = Operation(10, "finite", kind_rules.mask, shape_rules.unchanged, prices.MASK)
NAN: Final = Operation(11, "nan", kind_rules.mask, shape_rules.unchanged, prices.MASK)
NOT: Final = Operation(12, "not", kind_rules.masks, shape_rules.unchanged, prices.MASK)
TO_NUMBERS: Final = Operation(13, "to numbers", kind_rules.numbers_of_any, shape_rules.unchanged, prices.SIMPLE)
FILL: Final = Operation(14, "fill", kind_rules.filled, shape_rules.unchanged, prices.SIMPLE, operands=2)
EXP: Final = _on_one(20, "exp", prices.FUNCTION)
EXPM1: Final = _on_one(21, "expm1", prices.FUNCTION)
LOG: Final = _on_one(22, "log", prices.FUNCTION)
LOG1P: Final = _on_one(23, "log1p", prices.FUNCTION)
SIN: Final = _on_one(24, "sin", prices.FUNCTION)
COS: Final = _on_one(25, "cos", prices.FUNCTION)
TANH: Final = _on_one(26, "tanh", prices.FUNCTION)
SIGMOID: Final = _on_one(27, "sigmoid", prices.FUNCTION)
ERF: Final = _on_one(28, "erf", prices.FUNCTION)
RSQRT: Final = _on_one(29, "rsqrt", prices.FUNCTION)

# Elementwise on two tensors, of which the second may be a number; `where` on three, of which the last two may be.


def _on_two(code: int, name: str, price: Price = prices.SIMPLE) -> Operation:
    return Operation(code, name, kind_rules.numbers_or_scalar, shape_rules.broadcast, price, operands=2)


def _comparison(code: int, name: str) -> Operation:
    """Of numbers with numbers, or of indices with indices."""
    return Operation(code, name, kind_rules.comparison, shape_rules.broadcast, prices.MASK, operands=2)


ADD: Final = _on_two(32, "add")
SUBTRACT: Final = _on_two(33, "subtract")
SUBTRACT_FROM: Final = _on_two(34, "subtract from")
DISTANCE_TO: Final = _on_two(35, "distance to")
MULTIPLY: Final = _on_two(36, "multiply")
DIVIDE: Final = _on_two(37, "divide")
DIVIDE_INTO: Final = _on_two(38, "divide into")
MAXIMUM: Final = _on_two(39, "maximum")
MINIMUM: Final = _on_two(40, "minimum")
SQUARED_DISTANCE: Final = _on_two(41, "squared distance")
EASY_POWER: Final = Operation(
    42, "easy power", kind_rules.numbers, shape_rules.powered, prices.EASY_POWER, (parameters.integer("exponent"),)
)
POWER: Final = _on_two(43, "power", prices.POWER)
POWER_OF: Final = _on_two(44, "power of", prices.POWER)
LESS: Final = _comparison(45, "less")
LESS_EQUAL: Final = _comparison(46, "less or equal")
GREATER: Final = _comparison(47, "greater")
GREATER_EQUAL: Final = _comparison(48, "greater or equal")
EQUAL: Final = _comparison(49, "equal")
UNEQUAL: Final = _comparison(50, "unequal")
AND: Final = Operation(51, "and", kind_rules.masks, shape_rules.broadcast, prices.MASK, operands=2)
OR: Final = Operation(52, "or", kind_rules.masks, shape_rules.broadcast, prices.MASK, operands=2)
WHERE: Final = Operation(53, "where", kind_rules.chosen, shape_rules.broadcast, prices.MASK, operands=3)

# Reductions, over all elements or along dimensions.

_REDUCED: Final = (parameters.dimensions("dim"), parameters.flag("keepdim"))


def _reduction(code: int, name: str) -> Operation:
    return Operation(code, name, kind_rules.numbers, shape_rules.reduced, prices.REDUCTION, _REDUCED)


SUM: Final = _reduction(64, "sum")
MEAN: Final = _reduction(65, "mean")
UNBIASED_MEAN: Final = _reduction(66, "unbiased mean")
NORM: Final = _reduction(67, "norm")
NORM_1: Final = _reduction(68, "1-norm")
NORM_INF: Final = _reduction(69, "inf-norm")
LARGEST: Final = _reduction(70, "largest")
SMALLEST: Final = _reduction(71, "smallest")
DOT: Final = Operation(72, "dot", kind_rules.numbers, shape_rules.dotted, prices.DOT, operands=2)
ALL: Final = Operation(73, "all", kind_rules.masks, shape_rules.scalar, prices.TEST)
ANY: Final = Operation(74, "any", kind_rules.masks, shape_rules.scalar, prices.TEST)

# Order, and what indices name.

_DIM: Final = parameters.integer("dim")
_SEARCHED: Final = (parameters.integer_or_none("dim"), parameters.flag("keepdim"))

ARGMAX: Final = Operation(80, "argmax", kind_rules.indices, shape_rules.searched, prices.SEARCH, _SEARCHED)
ARGMIN: Final = Operation(81, "argmin", kind_rules.indices, shape_rules.searched, prices.SEARCH, _SEARCHED)
MAX_ALONG: Final = Operation(
    82, "max along", kind_rules.numbers_and_indices, shape_rules.searched, prices.SEARCH_PAIR, _SEARCHED
)
MIN_ALONG: Final = Operation(
    83, "min along", kind_rules.numbers_and_indices, shape_rules.searched, prices.SEARCH_PAIR, _SEARCHED
)
SORT: Final = Operation(
    84, "sort", kind_rules.numbers_and_indices, shape_rules.along, prices.SORT, (_DIM, parameters.flag("descending"))
)
TOPK: Final = Operation(
    85,
    "topk",
    kind_rules.numbers_and_indices,
    shape_rules.topk,
    prices.SORT,
    (parameters.integer("k"), _DIM, parameters.flag("largest")),
)
PREFIX_SUMS: Final = Operation(86, "prefix sums", kind_rules.numbers, shape_rules.along, prices.SCAN, (_DIM,))
TAKE: Final = Operation(87, "take", kind_rules.picked, shape_rules.taken, prices.PICK_ANYWHERE, operands=2)
GATHER: Final = Operation(88, "gather", kind_rules.picked, shape_rules.gathered, prices.PICK, (_DIM,), operands=2)
ROWS: Final = Operation(89, "rows", kind_rules.picked, shape_rules.rows, prices.PICK, operands=2)
REFILL_ROWS: Final = Operation(
    90, "refill rows", kind_rules.refilled, shape_rules.refilled_rows, prices.PICK_TO_FILL, operands=3
)
LAST: Final = Operation(91, "last", kind_rules.largest_index, shape_rules.scalar, prices.FREE)
"""The largest of some indices: what whoever records has to know of, to say that one is out of range."""

# The same elements in another shape, and parts of them.


def _view(code: int, name: str, shape: shape_rules.ShapeRule, *of: Parameter, price: Price = prices.VIEW) -> Operation:
    return Operation(code, name, kind_rules.same, shape, price, of)


INDEX: Final = _view(96, "index", shape_rules.indexed, parameters.index("index"))
ASSIGN: Final = Operation(
    97,
    "assign",
    kind_rules.numbers_or_scalar,
    shape_rules.assigned,
    prices.SIMPLE,
    (parameters.index("index"),),
    operands=2,
)
PART: Final = _view(98, "part", shape_rules.part, parameters.integer("start"), parameters.integers("sizes"))
MATRIX_TRANSPOSE: Final = _view(99, "t", shape_rules.matrix_transposed)
TRANSPOSE: Final = _view(
    100, "transpose", shape_rules.transposed, parameters.integer("dim0"), parameters.integer("dim1")
)
PERMUTE: Final = _view(101, "permute", shape_rules.permuted, parameters.integers("dims"))
UNSQUEEZE: Final = _view(102, "unsqueeze", shape_rules.unsqueezed, _DIM)
SQUEEZE: Final = _view(103, "squeeze", shape_rules.squeezed, parameters.integer_or_none("dim"))
# Whether it copies depends on the order in memory, which a saved state forgets: charged as a copy.
RESHAPE: Final = _view(104, "reshape", shape_rules.reshaped, parameters.integers("sizes"), price=prices.RESHAPE)
EXPAND: Final = _view(105, "expand", shape_rules.expanded, parameters.integers("sizes"), price=prices.SIMPLE)
STACK: Final = Operation(106, "stack", kind_rules.same, shape_rules.stacked, prices.JOIN, (_DIM,), operands=None)
CAT: Final = Operation(107, "cat", kind_rules.same, shape_rules.joined, prices.JOIN, (_DIM,), operands=None)

# Matrices.

PRODUCT: Final = Operation(112, "matmul", kind_rules.numbers, shape_rules.product, prices.PRODUCT, operands=2)
OUTER: Final = Operation(113, "outer", kind_rules.numbers, shape_rules.outer, prices.SIMPLE, operands=2)
DIAGONAL: Final = Operation(114, "diag", kind_rules.numbers, shape_rules.diagonal, prices.SIMPLE)
UPPER: Final = Operation(
    115, "triu", kind_rules.numbers, shape_rules.matrix, prices.SIMPLE, (parameters.integer("diagonal"),)
)
LOWER: Final = Operation(
    116, "tril", kind_rules.numbers, shape_rules.matrix, prices.SIMPLE, (parameters.integer("diagonal"),)
)

# Numbers from tensors, and tensors from numbers.

_SIZES: Final = parameters.integers("sizes")
_FIRST: Final = parameters.integer("first")
"""The first word of the generator's source that is used."""

ITEM: Final = Operation(120, "item", kind_rules.same, shape_rules.single, prices.VIEW)
LIST: Final = Operation(121, "list", kind_rules.same, shape_rules.listed, prices.TO_LIST)
TENSOR: Final = Operation(
    122,
    "tensor",
    kind_rules.no_operands_numbers,
    shape_rules.given,
    prices.FROM_LIST,
    (_SIZES,),
    operands=0,
    scalars=prod,
)


def _one(_: Shape) -> int:
    return 1


def _start_and_step(_: Shape) -> int:
    return 2


FULL: Final = Operation(
    123,
    "full",
    kind_rules.no_operands_numbers,
    shape_rules.created,
    prices.SIMPLE,
    (_SIZES,),
    operands=0,
    scalars=_one,
)
IDENTITY: Final = Operation(
    124, "identity", kind_rules.no_operands_numbers, shape_rules.identity, prices.SIMPLE, (_SIZES,), operands=0
)
STEPS: Final = Operation(
    125,
    "steps",
    kind_rules.no_operands_numbers,
    shape_rules.line,
    prices.SIMPLE,
    (_SIZES,),
    operands=0,
    scalars=_start_and_step,
)
INDEX_STEPS: Final = Operation(
    126,
    "index steps",
    kind_rules.no_operands_indices,
    shape_rules.index_steps,
    prices.SIMPLE,
    (parameters.integer("start"), parameters.integer("step"), _SIZES),
    operands=0,
)
UNIFORM: Final = Operation(
    127, "uniform", kind_rules.no_operands_numbers, shape_rules.drawn, prices.UNIFORM, (_FIRST, _SIZES), operands=0
)
NORMAL: Final = Operation(
    128, "normal", kind_rules.no_operands_numbers, shape_rules.drawn, prices.NORMAL, (_FIRST, _SIZES), operands=0
)
RADEMACHER: Final = Operation(
    129, "rademacher", kind_rules.no_operands_numbers, shape_rules.drawn, prices.UNIFORM, (_FIRST, _SIZES), operands=0
)
PERMUTATION: Final = Operation(
    130,
    "permutation",
    kind_rules.no_operands_indices,
    shape_rules.permutation,
    prices.TO_LIST,
    (_FIRST, _SIZES),
    operands=0,
)

OPERATIONS: Final[Mapping[int, Operation]] = {
    one.code: one for one in list(globals().values()) if isinstance(one, Operation)
}
"""Every operation by its code."""
