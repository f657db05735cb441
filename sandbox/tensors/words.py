"""The words of the facade: every public name of its types, and the keywords that each of their functions takes.

This table says what a module may read, where it is checked and where it runs. A test compares it with the classes
themselves, so it needs none of them: a module is checked without torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Words = Mapping[str, frozenset[str] | None]
"""The keywords of each function by its name, those that must be given included; None for what is no function."""

_METHODS: Final = """
    abs() abs_() add(other,alpha) add_(other,alpha) addcdiv(a,b,value) addcdiv_(a,b,value) addcmul(a,b,value)
    addcmul_(a,b,value) all() amax(dim,keepdim) amin(dim,keepdim) any() ceil() ceil_() clamp(min,max)
    clamp_(min,max) clamp_max(max) clamp_max_(max) clamp_min(min) clamp_min_(min) clip(min,max) clip_(min,max)
    clone() contiguous() copy_(source) cos() cos_() data detach() device div(other) div_(other) dot(other) dtype
    eq(other) erf() erf_() exp() exp_() expm1() expm1_() fill_(value) float() floor() floor_() ge(other)
    gt(other) isfinite() isnan() le(other) lerp(end,weight) lerp_(end,weight) log() log1p() log1p_() log_()
    lt(other) masked_fill(mask,value) masked_fill_(mask,value) maximum(other) mean(dim,keepdim) minimum(other)
    mul(other) mul_(other) ne(other) neg() neg_() norm(p,dim,keepdim) numel() pow(power) pow_(power)
    reciprocal() reciprocal_() round() round_() rsqrt() rsqrt_() sigmoid() sigmoid_() sign() sign_() sin()
    sin_() sqrt() sqrt_() square() square_() std(dim,unbiased,keepdim) sub(other,alpha) sub_(other,alpha)
    sum(dim,keepdim) tanh() tanh_() to(kind) var(dim,unbiased,keepdim) zero_()
"""
"""What tensors and parameter vectors have."""
_TENSOR: Final = """
    T addmm(a,b,beta,alpha) argmax(dim,keepdim) argmin(dim,keepdim) argsort(dim,descending) bmm(other)
    cumsum(dim) diag() dim() expand() flatten(start_dim,end_dim) gather(dim,positions) item() mT matmul(other)
    max(dim,keepdim) min(dim,keepdim) mm(other) mv(other) ndim outer(other) permute() reshape() shape size(dim)
    sort(dim,descending) squeeze(dim) t() take(positions) tolist() topk(k,dim,largest) trace()
    transpose(dim0,dim1) tril(diagonal) triu(diagonal) unsqueeze(dim) view()
"""
"""What only tensors have, or with these keywords."""
_PARAMETER_VECTOR: Final = """
    max(other) min(other) names roles
"""
"""What only parameter vectors have, or with these keywords."""
_TORCH: Final = """
    arange(start,end,step,dtype,device) cat(tensors,dim) eye(n,m,dtype,device) float32
    full(shape,fill_value,dtype,device) full_like(x,fill_value,dtype,device,memory_format) int64 linalg
    linspace(start,end,steps,dtype,device) ones(dtype,device) ones_like(x,dtype,device,memory_format)
    preserve_format stack(tensors,dim) tensor(data,dtype,device) where(condition,a,b) zeros(dtype,device)
    zeros_like(x,dtype,device,memory_format)
"""
_LINALG: Final = """
    matrix_power(x,n) norm(x,ord,dim,keepdim) vector_norm(x,ord,dim,keepdim)
"""
_MATH: Final = """
    ceil(x) copysign(x,y) cos(x) e erf(x) exp(x) expm1(x) fabs(x) floor(x) inf isfinite(x) isinf(x) isnan(x)
    log(x) log1p(x) nan pi pow(x,y) sin(x) sqrt(x) tanh(x) tau
"""
_GENERATOR: Final = """
    normal() permutation(n) rademacher() uniform()
"""
_OF_X: Final = """
    abs add addcdiv addcmul addmm all amax amin any argmax argmin argsort bmm ceil clamp clamp_max clamp_min
    clip clone cos cumsum detach diag div dot eq erf exp expm1 flatten floor gather ge gt isfinite isnan le lerp
    log log1p lt masked_fill matmul max maximum mean min minimum mm mul mv ne neg norm numel outer permute pow
    reciprocal reshape round rsqrt sigmoid sign sin sort sqrt square squeeze std sub sum t take tanh topk trace
    transpose tril triu unsqueeze var
"""
"""Functions of torch that call the method of this name of their argument `x`, and pass on what else they are given."""


def _read(text: str) -> Words:
    """The words of a table above: `name`, or `name(keyword,keyword)`."""
    words: dict[str, frozenset[str] | None] = {}
    for word in text.split():
        name, parenthesis, keywords = word.rstrip(")").partition("(")
        words[name] = frozenset(filter(None, keywords.split(","))) if parenthesis else None
    return words


WORDS: Final[Mapping[str, Words]] = {
    "Tensor": _read(_METHODS + _TENSOR),
    "ParameterVector": _read(_METHODS + _PARAMETER_VECTOR),
    "TorchNamespace": {**_read(_TORCH), **dict.fromkeys(_OF_X.split(), frozenset({"x"}))},
    "LinalgNamespace": _read(_LINALG),
    "MathNamespace": _read(_MATH),
    "Generator": _read(_GENERATOR),
}
"""The words of each type that is given to a module, by the name of its class."""
