"""The operations of the facade: the name, the shape rule, the price and the kernel of each, and its operands' dtype.

Where no dtype is named, the operands are numbers.
"""

from __future__ import annotations

from typing import Final

from arithmetic import data_movement, ieee, prefix_sums, reductions, sorting
from arithmetic.transcendental import functions, powers
from sandbox.tensors import kernels, prices, shape_rules
from sandbox.tensors.dtypes import require_mask
from sandbox.tensors.operation import Operation

# Elementwise on one tensor.

_same = shape_rules.unchanged

NEGATE: Final = Operation("negate", _same, prices.SIMPLE, ieee.negate)
ABSOLUTE: Final = Operation("absolute", _same, prices.SIMPLE, ieee.absolute)
SQUARE: Final = Operation("square", _same, prices.SIMPLE, lambda a: ieee.multiply(a, a))
RECIPROCAL: Final = Operation("reciprocal", _same, prices.SIMPLE, lambda a: ieee.reciprocal_times(1.0, a))
FLOOR: Final = Operation("floor", _same, prices.SIMPLE, ieee.floor)
CEIL: Final = Operation("ceil", _same, prices.SIMPLE, ieee.ceil)
ROUND: Final = Operation("round", _same, prices.SIMPLE, ieee.round_half_even)
SQUARE_ROOT: Final = Operation("square root", _same, prices.ROOT, ieee.square_root)
SIGN: Final = Operation("sign", _same, prices.MASK, ieee.sign)
EXP: Final = Operation("exp", _same, prices.FUNCTION, functions.exp)
EXPM1: Final = Operation("expm1", _same, prices.FUNCTION, functions.expm1)
LOG: Final = Operation("log", _same, prices.FUNCTION, functions.log)
LOG1P: Final = Operation("log1p", _same, prices.FUNCTION, functions.log1p)
SIN: Final = Operation("sin", _same, prices.FUNCTION, functions.sin)
COS: Final = Operation("cos", _same, prices.FUNCTION, functions.cos)
TANH: Final = Operation("tanh", _same, prices.FUNCTION, functions.tanh)
SIGMOID: Final = Operation("sigmoid", _same, prices.FUNCTION, functions.sigmoid)
ERF: Final = Operation("erf", _same, prices.FUNCTION, functions.erf)
RSQRT: Final = Operation("rsqrt", _same, prices.FUNCTION, functions.rsqrt)
FINITE: Final = Operation("finite", _same, prices.MASK, ieee.finite)
NAN: Final = Operation("nan", _same, prices.MASK, ieee.not_a_number)
NOT: Final = Operation("not", _same, prices.MASK, ieee.opposite, require_mask)
TO_NUMBERS: Final = Operation("to numbers", _same, prices.SIMPLE, data_movement.numbers, None)
FILL: Final = Operation("fill", _same, prices.SIMPLE, data_movement.full_like, None)

# Elementwise on two tensors, or a tensor and a number; on three for `where`.

_two = shape_rules.broadcast

ADD: Final = Operation("add", _two, prices.SIMPLE, ieee.add)
SUBTRACT: Final = Operation("subtract", _two, prices.SIMPLE, ieee.subtract)
SUBTRACT_FROM: Final = Operation("subtract from", _two, prices.SIMPLE, lambda a, b: ieee.subtract_from(b, a))
DISTANCE_TO: Final = Operation("distance to", _two, prices.SIMPLE, lambda a, b: ieee.subtract(b, a))
MULTIPLY: Final = Operation("multiply", _two, prices.SIMPLE, ieee.multiply)
DIVIDE: Final = Operation("divide", _two, prices.SIMPLE, ieee.divide)
DIVIDE_INTO: Final = Operation("divide into", _two, prices.SIMPLE, lambda a, b: ieee.reciprocal_times(b, a))
MAXIMUM: Final = Operation("maximum", _two, prices.SIMPLE, ieee.maximum)
MINIMUM: Final = Operation("minimum", _two, prices.SIMPLE, ieee.minimum)
SQUARED_DISTANCE: Final = Operation("squared distance", _two, prices.SIMPLE, kernels.squared_distance)
EASY_POWER: Final = Operation("easy power", _two, prices.EASY_POWER, powers.power)
POWER: Final = Operation("power", _two, prices.POWER, powers.power)
POWER_OF: Final = Operation("power of", _two, prices.POWER, lambda a, b: powers.power(data_movement.full_like(a, b), a))
LESS: Final = Operation("less", _two, prices.MASK, ieee.less)
LESS_EQUAL: Final = Operation("less or equal", _two, prices.MASK, ieee.less_equal)
GREATER: Final = Operation("greater", _two, prices.MASK, ieee.greater)
GREATER_EQUAL: Final = Operation("greater or equal", _two, prices.MASK, ieee.greater_equal)
EQUAL: Final = Operation("equal", _two, prices.MASK, ieee.equal)
UNEQUAL: Final = Operation("unequal", _two, prices.MASK, ieee.unequal)
AND: Final = Operation("and", _two, prices.MASK, ieee.both, require_mask)
OR: Final = Operation("or", _two, prices.MASK, ieee.either, require_mask)
WHERE: Final = Operation("where", _two, prices.MASK, ieee.where, None)

# Reductions, over all elements or along dimensions; `dot` is charged as a sum of each operand.

SUM: Final = Operation("sum", shape_rules.reduced, prices.REDUCTION, kernels.reduction(reductions.sums))
MEAN: Final = Operation("mean", shape_rules.reduced, prices.REDUCTION, kernels.reduction(kernels.mean))
UNBIASED_MEAN: Final = Operation(
    "unbiased mean", shape_rules.reduced, prices.REDUCTION, kernels.reduction(kernels.unbiased_mean)
)
NORM: Final = Operation("norm", shape_rules.reduced, prices.REDUCTION, kernels.reduction(kernels.norm))
NORM_1: Final = Operation("1-norm", shape_rules.reduced, prices.REDUCTION, kernels.reduction(kernels.sum_of_sizes))
NORM_INF: Final = Operation("inf-norm", shape_rules.reduced, prices.REDUCTION, kernels.reduction(kernels.largest_size))
LARGEST: Final = Operation("largest", shape_rules.reduced, prices.REDUCTION, kernels.reduction(sorting.largest))
SMALLEST: Final = Operation("smallest", shape_rules.reduced, prices.REDUCTION, kernels.reduction(sorting.smallest))
DOT: Final = Operation("dot", shape_rules.scalar, prices.FREE, kernels.dot)
ALL: Final = Operation("all", shape_rules.scalar, prices.TEST, ieee.everywhere, require_mask)
ANY: Final = Operation("any", shape_rules.scalar, prices.TEST, ieee.anywhere, require_mask)

# Order, and what indices name.

ARGMAX: Final = Operation("argmax", shape_rules.searched, prices.SEARCH, kernels.reduction(sorting.argmax))
ARGMIN: Final = Operation("argmin", shape_rules.searched, prices.SEARCH, kernels.reduction(sorting.argmin))
MAX_ALONG: Final = Operation("max along", shape_rules.searched, prices.SEARCH_PAIR, kernels.extremes(sorting.argmax))
MIN_ALONG: Final = Operation("min along", shape_rules.searched, prices.SEARCH_PAIR, kernels.extremes(sorting.argmin))
SORT: Final = Operation("sort", shape_rules.along, prices.SORT, sorting.sort)
TOPK: Final = Operation("topk", shape_rules.topk, prices.SORT, sorting.topk)
PREFIX_SUMS: Final = Operation("prefix sums", shape_rules.along, prices.SCAN, prefix_sums.prefix_sums)
TAKE: Final = Operation("take", shape_rules.taken, prices.PICK_ANYWHERE, data_movement.take, None, kernels.check_taken)
GATHER: Final = Operation("gather", shape_rules.gathered, prices.PICK, kernels.gather, None, kernels.check_gathered)
ROWS: Final = Operation("rows", shape_rules.rows, prices.PICK, data_movement.rows, None, kernels.check_rows)
REFILL_ROWS: Final = Operation(
    "refill rows", shape_rules.refilled_rows, prices.PICK_TO_FILL, data_movement.replaced_rows, None, kernels.check_rows
)

# The same elements in another shape, and parts of them.

INDEX: Final = Operation("index", shape_rules.indexed, prices.VIEW, kernels.part, None)
ASSIGN: Final = Operation("assign", shape_rules.assigned, prices.SIMPLE, kernels.assign)
PART: Final = Operation("part", shape_rules.part, prices.VIEW, lambda a, layout, index: layout.view(a, index), None)
MATRIX_TRANSPOSE: Final = Operation("t", shape_rules.matrix_transposed, prices.VIEW, lambda a: a.t(), None)
TRANSPOSE: Final = Operation(
    "transpose", shape_rules.transposed, prices.VIEW, lambda a, dim0, dim1: a.transpose(dim0, dim1), None
)
PERMUTE: Final = Operation("permute", shape_rules.permuted, prices.VIEW, data_movement.permute, None)
UNSQUEEZE: Final = Operation("unsqueeze", shape_rules.unsqueezed, prices.VIEW, lambda a, dim: a.unsqueeze(dim), None)
SQUEEZE: Final = Operation(
    "squeeze", shape_rules.squeezed, prices.VIEW, lambda a, dim: a.squeeze() if dim is None else a.squeeze(dim), None
)
# Whether torch copies depends on the order in memory, which a saved state forgets: charged as a copy.
RESHAPE: Final = Operation("reshape", shape_rules.reshaped, prices.RESHAPE, lambda a, sizes: a.reshape(sizes), None)
EXPAND: Final = Operation("expand", shape_rules.expanded, prices.SIMPLE, kernels.expand, None)
STACK: Final = Operation(
    "stack", shape_rules.stacked, prices.JOIN, lambda *parts, dim: data_movement.stack(parts, dim), None
)
CAT: Final = Operation("cat", shape_rules.joined, prices.JOIN, lambda *parts, dim: data_movement.cat(parts, dim), None)

# Matrices.

PRODUCT: Final = Operation("matmul", shape_rules.product, prices.PRODUCT, kernels.product)
OUTER: Final = Operation("outer", shape_rules.outer, prices.SIMPLE, lambda a, b: ieee.multiply(a.unsqueeze(1), b))
DIAGONAL: Final = Operation("diag", shape_rules.diagonal, prices.SIMPLE, data_movement.diagonal)
UPPER: Final = Operation("triu", shape_rules.matrix, prices.SIMPLE, data_movement.upper)
LOWER: Final = Operation("tril", shape_rules.matrix, prices.SIMPLE, data_movement.lower)

# Numbers from tensors, and tensors from numbers.

ITEM: Final = Operation("item", shape_rules.single, prices.VIEW, kernels.item, None)
LIST: Final = Operation("list", shape_rules.listed, prices.TO_LIST, kernels.to_list, None)
TENSOR: Final = Operation("tensor", shape_rules.nested, prices.FROM_LIST, kernels.tensor, check=kernels.check_nested)
FULL: Final = Operation("full", shape_rules.created, prices.SIMPLE, kernels.full)
IDENTITY: Final = Operation("identity", shape_rules.created, prices.SIMPLE, kernels.identity)
STEPS: Final = Operation("steps", shape_rules.created, prices.SIMPLE, kernels.steps)
INDEX_STEPS: Final = Operation("index steps", shape_rules.index_steps, prices.SIMPLE, kernels.index_steps)
UNIFORM: Final = Operation("uniform", shape_rules.created, prices.UNIFORM, kernels.uniform)
NORMAL: Final = Operation("normal", shape_rules.created, prices.NORMAL, kernels.normal)
RADEMACHER: Final = Operation("rademacher", shape_rules.created, prices.UNIFORM, kernels.rademacher)
PERMUTATION: Final = Operation("permutation", shape_rules.created, prices.TO_LIST, kernels.permutation)
