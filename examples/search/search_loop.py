"""A program that writes optimisers: it proposes a module, has it scored, and learns from what it is told.

    python search_loop.py 20 --track n_hidden=4 --nonces 0..3 --seconds 60

The first number is how many modules to try; the rest goes to `tig-verify score`. `propose` draws an update rule by
chance. A language model in its place gets `told`, which says what was wrong, and where.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from typing import Any

TEMPLATE = '''"""Written by a program."""

import torch

HYPERPARAMETERS = {{"lr": {lr}}}


def init_optimiser_state(difficulty, parameters, hyperparameters, rng):
    zeros = torch.zeros_like(parameters)
    return {{"lr": hyperparameters["lr"], "m": zeros, "v": zeros}}


def query_location_parameters(parameters, state, gradient, epoch, train_loss, validation_loss):
    return None


def optimiser_step_updates(state, gradient, parameters, epoch, train_loss, validation_loss):
    m = {b1} * state["m"] + (1 - {b1}) * gradient
    v = {b2} * state["v"] + (1 - {b2}) * gradient * gradient
    direction = {direction}
    return -state["lr"] * direction, {{**state, "m": m, "v": v}}
'''
DIRECTIONS = [
    "m",
    "m.sign()",
    "m / (v.sqrt() + 1e-8)",
    "({b1} * m + (1 - {b1}) * gradient).sign()",
    "m / m.norm()",
    "m / (v.norm(dim=0) + 1e-8)",  # wrong: a vector has no dimensions
]


def propose(history: list[tuple[int, str, str]]) -> str:
    """The source of the next module; `history` holds the quality, the source and what was told of each before."""
    values = {"b1": random.choice([0.8, 0.9, 0.95]), "b2": random.choice([0.95, 0.99, 0.999])}
    direction = random.choice(DIRECTIONS).format(**values)
    return TEMPLATE.format(lr=f"{10 ** random.uniform(-4, -1):.2g}", direction=direction, **values)


def score(source: str, options: list[str]) -> dict[str, Any]:
    """What `tig-verify score` says of a module: always one object."""
    command = ["tig-verify", "score", "-", *options]
    done = subprocess.run(command, input=source, stdout=subprocess.PIPE, text=True, check=False)
    result: dict[str, Any] = json.loads(done.stdout)
    assert result["schema"] == "tig-verify/score.v1"
    return result


def told(result: dict[str, Any]) -> str:
    """What went wrong, for who writes the next module."""
    problems = [f"line {each['line']}: {each['message']} {each['hint']}".strip() for each in result["diagnostics"]]
    return "; ".join(filter(None, [result["message"], *problems])) or "nothing wrong"


def main(rounds: int, options: list[str]) -> None:
    """Try so many modules, and print the best."""
    history: list[tuple[int, str, str]] = []
    for number in range(1, rounds + 1):
        source = propose(history)
        result = score(source, options)
        if result["status"] == "usage":
            sys.exit(result["message"])
        quality = -(10**7) if result["quality"] is None else result["quality"]
        history.append((quality, source, told(result)))
        print(f"{number}: {result['status']}, quality {quality / 1e6:.3f}, {told(result)}", file=sys.stderr)
    print(max(history)[1])


if __name__ == "__main__":
    random.seed(0)
    main(int(sys.argv[1]), sys.argv[2:])
