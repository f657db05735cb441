"""The names of the facade that modules may use, and advice on those of torch that it does not have."""

from __future__ import annotations

from typing import Final

from sandbox.language.vocabulary import Vocabulary
from sandbox.tensors.words import WORDS

_NAMESPACES: Final = {"torch": "TorchNamespace", "torch.linalg": "LinalgNamespace", "math": "MathNamespace"}

_ADVICE: Final = {
    "leave it out: nothing tracks gradients here": (
        "no_grad inference_mode enable_grad set_grad_enabled is_grad_enabled detach_ requires_grad requires_grad_ "
        "retain_grad is_leaf grad_fn requires_grad="
    ),
    "the gradient is an argument of the function: gradient[i] belongs to parameters[i]": "grad backward autograd",
    "leave it out: tensors are on the device of the parameters": (
        "cuda cpu pin_memory is_cuda get_device set_default_device backends device= non_blocking="
    ),
    "leave it out: every number is a float32": (
        "double half bfloat16 float16 float64 type_as set_default_dtype finfo dtype="
    ),
    "indices come from sort, topk and argmax; int(x) makes one a number": "int long int32 short uint8 bool",
    "write the names of types in annotations only": "Tensor Size FloatTensor",
    "write x.tolist()": "numpy",
    "write torch.tensor(...)": "as_tensor from_numpy asarray",
    "write torch.zeros(...)": "empty new_zeros new_empty",
    "write torch.zeros_like(x)": "empty_like",
    "draw numbers in init_optimiser_state, such as rng.normal(2, 3), and keep them in the state": (
        "rand randn randint rand_like randn_like normal_ uniform_ bernoulli bernoulli_ multinomial exponential_ "
        "random_ manual_seed seed initial_seed random Generator get_rng_state set_rng_state generator="
    ),
    "draw rng.permutation(n) in init_optimiser_state and keep it in the state": "randperm",
    "write the rule out with the arithmetic of tensors": "nn optim functional",
    "the state is what optimiser_step_updates returns with the updates": (
        "param_groups state_dict load_state_dict zero_grad step parameters named_parameters register_buffer"
    ),
    "iterate with @ instead, as Newton and Schulz do": (
        "svd svdvals svd_lowrank qr eig eigh eigvals eigvalsh inverse inv pinv pinverse cholesky solve lstsq lu "
        "matrix_power matrix_exp det slogdet logdet"
    ),
    "write @, transpose and sums": "einsum tensordot kron chain_matmul multi_dot",
    "write a + b @ c": "addmv baddbmm addr addbmm",
    "write (a * b).sum()": "inner vdot",
    "write x.clamp(min=0.0)": "relu relu_ threshold",
    "write e = (x - x.max()).exp(), then e / e.sum()": "softmax log_softmax logsumexp softplus",
    "write x.sort() and take the middle": "median quantile kthvalue mode nanmedian",
    "write x.log().sum().exp(), or a loop": "prod cumprod",
    "write x.cumsum(dim)": "logcumsumexp cummax cummin",
    "write torch.where(mask, a, b)": "masked_select masked_scatter masked_scatter_ nan_to_num nan_to_num_ heaviside",
    "write x.take(indices) or x[indices]": "index_select scatter scatter_ scatter_add_ index_add_ index_copy_ put_",
    "write torch.where(mask, 1.0, 0.0), or x.argmax()": "nonzero argwhere count_nonzero unique bincount searchsorted",
    "write ~(x.isfinite() | x.isnan())": "isinf isposinf isneginf",
    "write (a - b).abs().max() < 1e-6": "allclose isclose equal",
    "write x.abs()": "absolute absolute_",
    "write a * b, a - b, a / b or -a": (
        "multiply multiply_ subtract subtract_ divide divide_ true_divide negative negative_ rsub"
    ),
    "write x.clamp(a, b)": "hardtanh",
    "write a < b, a == b and so on": "less greater less_equal greater_equal not_equal",
    "write a & b, a | b or ~a": "logical_and logical_or logical_not logical_xor bitwise_and bitwise_or",
    "write torch.where(x >= 0.0, 1.0, -1.0)": "sgn signbit",
    "write x - (x / y).floor() * y": "fmod remainder remainder_",
    "write x.log() / math.log(2)": "log2 log2_ log10 log10_",
    "write 2 ** x": "exp2 exp2_",
    "write a fraction of sin, cos, exp and tanh": (
        "tan sinh cosh asin acos atan atan2 asinh acosh atanh arctan arctan2 arcsin arccos degrees radians"
    ),
    "write (x * x + y * y) ** 0.5": "hypot dist cdist",
    "write x.floor() or x.ceil()": "trunc trunc_ fix frac frac_",
    "write max(a, b) and loops": "gcd lcm factorial comb perm isqrt fsum",
    "write torch.cat(tensors, dim)": "concat concatenate hstack vstack column_stack row_stack",
    "write slices: x[a:b]": "chunk unbind narrow select tensor_split hsplit vsplit unfold",
    "write x.reshape(y.shape)": "view_as reshape_as resize_ unflatten",
    "operators broadcast sizes of 1; or write x.expand(shape)": "expand_as broadcast_to repeat tile repeat_interleave",
    "write x.transpose(i, j)": "swapaxes swapdims movedim moveaxis adjoint",
    "write x[indices], with the indices you want": "flip fliplr flipud roll rot90",
    "write one statement for each tensor": "jit compile vmap func compiler library utils cuda.amp amp distributed",
    "assign the result: y = torch.add(a, b)": "out=",
    "only x.norm(), the square root of the sum of squares": "p= ord=",
}
_HINTS: Final = {word: hint for hint, words in _ADVICE.items() for word in words.split()}


def _keywords() -> dict[str, frozenset[str]]:
    """The keywords of every function; those of torch that call a method of x take x too.

    What the language refuses is consensus, so two oddities stay: a method in place may be given the keywords of math's
    function of its name, and those of `zero_`, `fill_` and `copy_` are not looked at. A wrong one fails when it runs.
    """
    taken: dict[str, frozenset[str]] = {}
    for words in WORDS.values():
        for name, keywords in words.items():
            if keywords is not None:
                taken[name] = taken.get(name, frozenset()) | keywords
    for name, keywords in WORDS["MathNamespace"].items():
        if f"{name}_" in WORDS["Tensor"]:
            taken[f"{name}_"] |= keywords or frozenset()
    return {name: taken[name] for name in taken.keys() - {"zero_", "fill_", "copy_"}}


VOCABULARY: Final = Vocabulary(
    namespaces={path: frozenset(WORDS[kind]) for path, kind in _NAMESPACES.items()},
    attributes=frozenset().union(*WORDS.values()),
    keywords=_keywords(),
    hints=_HINTS,
)
"""The words of the facade, as the language's checks need them."""
