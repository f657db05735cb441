"""Every operation of the facade as a line of an optimiser: x and y are tensors [3, 4], row is [4], v a vector."""

from __future__ import annotations

TENSORS = {
    "add": "x.add(y, alpha=0.5)", "sub": "x.sub(y)", "mul": "x.mul(row)", "div": "x.div(3)", "pow": "x.pow(-3)",
    "neg": "x.neg()", "abs": "x.abs()", "sqrt": "y.sqrt()", "square": "x.square()", "reciprocal": "y.reciprocal()",
    "sign": "x.sign()", "floor": "x.floor()", "ceil": "x.ceil()", "round": "x.round()", "maximum": "x.maximum(row)",
    "minimum": "x.minimum(0.1)", "clamp": "x.clamp(-0.5, 0.5)", "lerp": "x.lerp(y, 0.3)",
    "addcmul": "x.addcmul(x, row, value=0.5)", "addcdiv": "x.addcdiv(x, y)", "clone": "x.clone()",
    "float": "((x > 0) & ~(x >= row) | (x == y)).float()", "numel": "x.numel()", "norm": "x.norm()",
    "dot": "x.dot(y)", "max": "x.max()", "min": "x.min()", "all": "(x > 0).all()", "any": "(x < row).any()",
    "sum": "x.sum(1, keepdim=True)", "mean": "x.mean(0)", "shape": "x.shape", "ndim": "x.ndim", "dim": "x.dim()",
    "size": "x.size(-1)", "T": "x.T", "reshape": "x.reshape(-1, 2)", "matmul": "x.matmul(y.T) @ y",
    "item": "x[0, -1].item()", "exp": "x.exp()", "expm1": "x.expm1()", "log": "y.log()", "log1p": "y.log1p()",
    "sin": "x.sin()", "cos": "x.cos()", "tanh": "x.tanh()", "sigmoid": "x.sigmoid()", "erf": "x.erf()",
    "rsqrt": "y.rsqrt()", "isfinite": "(1 / x.floor()).isfinite()", "isnan": "(0 / x.ceil()).isnan()",
    "transpose": "x.transpose(0, 1) + 1", "outer": "x[0].outer(row)", "diag": "row.diag() * y.diag()[0]",
    "sort": "x.sort(0)", "argsort": "y.argsort(descending=True)", "topk": "x.topk(2, largest=False)",
    "argmax": "[x.argmax(), int(x.argmax(0)[1]), x.argmax(1, keepdim=True) == 2]", "argmin": "x.argmin(1)",
    "cumsum": "x.cumsum(1)", "take": "x.take(y.argsort(0))", "gather": "x.gather(1, y.argsort(1))",
    "exp_": "x.clone().exp_()", "expm1_": "x.clone().expm1_()", "log_": "y.clone().log_()",
    "log1p_": "y.clone().log1p_()", "sin_": "x.clone().sin_()", "cos_": "x.clone().cos_()",
    "tanh_": "x.clone().tanh_()", "sigmoid_": "x.clone().sigmoid_()", "erf_": "x.clone().erf_()",
    "rsqrt_": "y.clone().rsqrt_()", "add_": "x.clone().add_(row)", "sub_": "x.clone().sub_(1)",
    "mul_": "x.clone().mul_(row)", "div_": "x.clone().div_(y)", "pow_": "x.clone().pow_(2)",
    "neg_": "x.clone().neg_()", "abs_": "x.clone().abs_()", "sqrt_": "y.clone().sqrt_()",
    "square_": "x.clone().square_()", "reciprocal_": "y.clone().reciprocal_()", "sign_": "x.clone().sign_()",
    "floor_": "x.clone().floor_()", "ceil_": "x.clone().ceil_()", "round_": "x.clone().round_()",
    "clamp_": "x.clone().clamp_(max=0)", "lerp_": "x.clone().lerp_(y, 0.5)", "addcmul_": "x.clone().addcmul_(x, y)",
    "addcdiv_": "x.clone().addcdiv_(x, y)", "zero_": "x.clone().zero_()", "fill_": "x.clone().fill_(0.1)",
    "copy_": "x.clone().copy_(y)",
}  # fmt: skip
"""One line for each public name of a tensor."""

OTHERS = [
    "torch.zeros(2, 3)", "torch.ones([2])", "torch.full((2,), 0.1)", "torch.zeros_like(v)", "torch.ones_like(x)",
    "torch.full_like(x, 2)", "torch.tensor([1, 0.5])", "torch.where(x > 0, x, -1.0)", "torch.where(v > 0, v, -v)",
    "torch.stack([x, y])", "torch.cat([x, y])", "torch.mm(x, y.T)", "torch.norm(v)", "rng.uniform()",
    "rng.normal(2, 2)", "rng.rademacher(5)", "rng.permutation(5)", "v.names", "v.roles", "v.sum()", "v.mean()",
    "v * 2 + v[0].sum()", "x ** y", "torch.tensor([257, 3, 1.5]) ** 3", "y ** 0.3", "y ** -0.5", "2 ** x",
    "v ** 3", "y.log() ** 1.5", "torch.exp(v)",
    "v.sigmoid().log1p()", "torch.bmm(torch.stack([x, y]), torch.stack([y.T, x.T]))",
    "torch.stack([x, y]) @ row.reshape(4, 1)", "x.max(0)", "x.min(1, keepdim=True)", "torch.argmax(x, 1)",
    "x[x.argsort(0)[:, 0]]", "torch.cumsum(x, -1)",
    "torch.sort(torch.cat([part.reshape(-1) for part in v]), descending=True)", "x.argsort().float()",
    "torch.topk(x.sin() * 1e30, 1, 0)", "[p.item() for p in row.argsort()]", "x.argsort() < y.argsort()",
    "(x * 1e37).sin()", "(x * 1e37 * x).tanh().isnan().any()", "torch.where(x.isfinite(), x.erf(), y.rsqrt())",
    "torch.full_like(v, 0.1).expm1_()", "[part.norm() for part in v]", "x[1:, ::2] - x[0, :2]", "2 - x / y",
    "-abs(x) ** 2", "1 / y", "math.sqrt(x.norm())", "math.exp(0.5)", "math.log(2)",
    "math.log1p(0.1) + math.expm1(0.1)", "math.tanh(0.5) + math.erf(0.5)", "math.cos(1) + math.sin(1)",
    "math.pow(0.5, 0.3) + 2.0 ** 0.7", "math.floor(2.5)", "math.ceil(2.5)", "math.fabs(-1)", "math.copysign(1, -2)",
    "math.isnan(1)", "math.isinf(1)", "math.isfinite(1)", "math.pi + math.tau + math.e", "[math.inf, math.nan]",
    "round(2.567, 2)", "str(0.1 + 0.2)", "sorted([3, 1, 2])", "sum([0.1] * 10)", "min(3, 1.5)",
    'int("12") + float("1e-3")', "list(zip([1], [2]))",
]  # fmt: skip

OPERATIONS = [
    "third = 1 / 3",
    "v = parameters",
    "x = rng.normal(3, 4)",
    "y = rng.uniform(3, 4) + 0.5",
    "row = y[0]",
    "r = []",
    *(f"r.append({text})" for text in [*TENSORS.values(), *OTHERS, 'f"{third:.5g}"']),
]
"""Statements that do them all and leave the results in r; they need `rng`, `parameters`, torch and math."""
