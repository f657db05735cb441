"""Modules that try to keep something beside their state, or to see whether the state was copied."""

from __future__ import annotations

from tests.support.sample_operations import OPERATIONS
from tests.support.sample_optimisers import module


def lines(*statements: str) -> str:
    return "\n    ".join(statements)


MODULE_TABLE = module(step="state['t']['k'] += 1; return -gradient * state['t']['k'] * ROOT, state", math=True).replace(
    b"def init_optimiser_state(difficulty, parameters, hyperparameters, rng):\n    return {}",
    b"ROOT = math.sqrt(2)  # loading this module costs fuel\n"
    b"TABLE = {'k': 1, 'l': [1, {'m': 2.5}]}\n"
    b"def init_optimiser_state(difficulty, parameters, hyperparameters, rng):\n    return {'t': TABLE}",
)

HIDING = {
    "one list twice": module(
        "x = [0]; return {'a': x, 'b': x, 'c': (x, [x])}",
        step="state['a'].append(1); state['c'][1][0].append(1); return -gradient * (len(state['b']) + 0.5), state",
    ),
    "one tensor twice": module(
        "x = torch.zeros(3); return {'a': x, 'b': x, 'c': [x, x]}",
        "state['a'].add_(1.0); return parameters + state['b'].sum()",
        "state['a'].add_(1.0); state['c'][0].sub_(3.0); return gradient * (state['b'] + state['c'][1]).sum(), state",
    ),
    "a handle and its twin": module(
        "return {'m': parameters.clone()}",
        step="a = state['m']; b = a; b.add_(gradient); return -0.1 * a, {'m': a, 'n': b, 'o': a * 1}",
    ),
    "views": module(
        "x = rng.normal(4, 4); return {'x': x, 'row': x[0], 't': x.T, 'flat': x.reshape(-1)[3:9]}",
        step=lines(
            "y = state['x'].mul_(1.5)",
            "state['row'].add_(1.0)",
            "state['t'].mul_(0.5)",
            "u = -0.01 * gradient * (state['row'].sum() + state['t'].norm() + state['flat'].sum())",
            "return u, {'x': y, 'row': y[1], 't': y.T, 'flat': state['flat'][1:] if epoch < 3 else y[2]}",
        ),
    ),
    "assigned parts": module(
        "x = rng.normal(4, 3); return {'x': x, 'row': x[1], 'y': x, 'flat': x.reshape(-1), 'v': [x, x]}",
        step=lines(
            "state['x'][1, 2] = 7.0; state['row'][0] += 1.0; state['flat'][3] = epoch; state['v'][0][:, 0] = 2.0",
            "n = state['x'].sum() + state['row'].norm() + state['y'].sum() + state['flat'].max() + state['v'][1].sum()",
            "state['v'] = [state['y'], state['x'], state['v'][0]]",
            "return -0.01 * gradient * n, state",
        ),
    ),
    "strides": module(
        "return {'t': rng.normal(5, 7).T, 's': rng.normal(6, 6)[::2, 1::3]}",
        step=lines(
            "x = state['t']; s = state['s']",
            "n = x.sum(0).norm() + x.cumsum(1).max() + (x @ x.T).sum() + x.sort(0)[0][0].sum() + x.argmax().item()",
            "return -0.01 * gradient * (n + s.exp().sum() + s.reshape(-1)[2]), {'t': x * 0.9, 's': s.T.sin()}",
        ),
    ),
    "the inputs": module(
        lines(
            "q = [x for x in parameters]",
            "return {'g': parameters, 'p': parameters, 'q': q, 'h': hyperparameters, 'd': difficulty}",
        ),
        step=lines(
            "u = 0.1 * (state['g'] - gradient) + 0.01 * (state['p'] - parameters)",
            "state['h']['lr'] = state['h']['lr'] * 0.5; state['d']['n_hidden'] += 1",
            "state.update({'g': gradient, 'p': parameters, 'q': [x for x in gradient]})",
            "return u * state['h']['lr'], state",
        ),
    ),
    "the updates": module(
        "return {'u': torch.zeros_like(parameters)}",
        "state['u'].mul_(2.0); return state['u']",
        "u = state['u'].mul_(0.5).sub_(gradient); return u, {'u': u, 'v': u}",
    ),
    "the location": module(
        "return {'x': parameters.clone(), 'n': [0]}",
        lines("state['n'].append(1); state['x'].add_(1.0); state['new'] = 1", "return parameters + 0.1 * state['x']"),
        lines(
            "state['x'].add_(0.25)",
            "return -gradient * (len(state['n']) + 0.1 * len(state)) - 0.01 * state['x'], state",
        ),
    ),
    "a query that keeps its input": module(
        "return {'x': torch.zeros_like(parameters)}",
        "state['x'] = gradient; return gradient",
        "return -0.1 * gradient - state['x'], {'x': gradient}",
    ),
    "defaults": module(
        step=lines(
            "def f(x, n=1, m='a'):", "    n += 1; m += 'b'", "    return -x * n * len(m)", "return f(gradient), state"
        )
    ),
    "closures": module(
        step=lines(
            "seen = []",
            "def remember(x):",
            "    seen.append(x)",
            "    return len(seen)",
            "again = lambda: remember(gradient) + remember(state)",
            "return -gradient * again() * remember(1), state",
        )
    ),
    "a call of itself": module(
        step=lines(
            "def f(n):",
            "    return 1.0 if n < 1 else 0.5 + f(n - 1)",
            "loop = [f]; loop.append(loop)",
            "return -gradient * f(epoch), state",
        )
    ),
    "a generator left early": module(
        step="return -gradient * (2.0 if any(x > 1 for x in [0, 1, 2, 3]) else 1.0), state",
    ),
    "constants": MODULE_TABLE,
    "draws": module(
        "return {'r': rng.normal(16), 'p': rng.permutation(9), 'u': rng.uniform(2, 2), 's': rng.rademacher()}",
        step="state['r'] = state['r'] * state['s']; return gradient * state['r'].sum() + state['p'].pop(), state",
    ),
    "the sign of a NaN": module(
        "return {'x': -math.nan}",
        step=lines(
            "s = math.copysign(1.0, state['x'])",
            "return gradient * s, {'x': math.inf - math.inf if epoch % 2 else -math.nan}",
        ),
        math=True,
    ),
    "the sign of a tensor's NaN": module(
        "return {'x': -torch.full([1], math.nan)}",
        step=lines(
            "s = math.copysign(1.0, state['x'].item())",
            "return gradient * s, {'x': torch.zeros(1) / 0 if epoch % 2 else -(torch.zeros(1) / 0)}",
        ),
        math=True,
    ),
    "one NaN twice": module(
        "return {'x': math.nan, 'y': math.nan}",
        step=lines(
            "n = state['x']",
            "u = gradient * (2.0 if [n] == [state['y']] else 3.0)",
            "return u, {'x': math.inf - math.inf, 'y': n if epoch % 2 else 1.0}",
        ),
        math=True,
    ),
    "one text twice": module(
        "x = 'ab' * 500; return {'x': x, 'y': x}",
        step="return gradient * (2.0 if [state['x']] == [state['y']] else 3.0), state",
    ),
    "a text of the module": module(
        "return {'x': 'a text with spaces', 'y': 'name', 'z': ''}",
        step=lines(
            "same = [state['x'], state['y'], state['z']] == ['a text with spaces', 'name', '']",
            "return gradient * (2.0 if same else 3.0), state",
        ),
    ),
    "a tuple of the module": module(
        "return {'x': (1, (2.5, 'a b')), 'y': ()}",
        step="return gradient * (2.0 if [(1, (2.5, 'a b')), ()] == [state['x'], state['y']] else 3.0), state",
    ),
    "integers": module(
        "return {'n': 3 ** 2000, 'm': -(2 ** 64), 's': 7}",
        step=lines(
            "n = (state['n'] * 3 + state['s']) % 2 ** 4000; m = state['m'] * 2 - 1",
            "return gradient * (n % 1000 - m % 77) * 0.001, {'n': n, 'm': m, 's': n % 256}",
        ),
    ),
    "numbers": module(
        "return {'x': 0.1, 'z': -0.0, 'i': -math.inf, 'b': True, 'n': None, 'd': 5e-324}",
        step=lines(
            "x = math.exp(state['x']) - 1.0; s = math.copysign(1.0, state['z'])",
            "state.update({'x': x, 'z': -state['z'], 'b': not state['b'], 'd': state['d'] * 3})",
            "return gradient * x * s, state",
        ),
        math=True,
    ),
    "masks and positions": module(
        "x = rng.normal(6); return {'m': x > 0, 'p': x.argsort(), 'x': x, 'v': parameters > 0}",
        step=lines(
            "x = torch.where(state['m'], state['x'], -0.5)[state['p']]",
            "u = torch.where(state['v'], -gradient, gradient * x.sum())",
            "return u, {'m': x < 0.1, 'p': x.argsort(descending=True), 'x': x, 'v': gradient > 0}",
        ),
    ),
    "the order of keys": module(
        "return {'a': 1.0, 'b': 2.0, 'c': 3.0}",
        step=lines(
            "n = 0.0",
            "for k in state: n = 2 * n + state[k]",
            "first = list(state)[0]; x = state.pop(first); state[first] = x + 1",
            "return -0.01 * n * gradient, state",
        ),
    ),
    "a state that is no dict": module("return None", step="return -gradient, (1, 'a') if state is None else [state]"),
    "a list of itself": module(
        step="x = [gradient]; x.append(x); state['n'] = len(x) + epoch; return -gradient * state['n'], state"
    ),
    "everything": module(lines(*OPERATIONS, "return {'results': r}"), math=True),
}
