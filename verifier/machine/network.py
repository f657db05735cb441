"""The network that this machine trains: which one it is and, if it is the slow one, why; the time of a step."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from importlib import import_module
from statistics import median
from typing import Final

from arithmetic.engine_choice import ENGINE_VARIABLE
from protocol.canonical_msgpack import Scalar
from protocol.examination import Check, Condition, Finding
from sandbox.errors import JailError, WorkerFault
from sandbox.isolation import Isolation
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.session import Session
from verifier.machine import known_training

N_HIDDEN: Final = 4
"""Depth of the network whose steps are timed: a common one."""
ROUNDS: Final = 5
"""Epochs that are timed, after one that is not."""


def examine(place: Isolation, while_training: Callable[[], None]) -> Finding:
    """Its engine, and a step's milliseconds, with the module in its place and a share of the validation.

    `while_training` is called once, with all processes of a training there. Raises MachineError where the network
    gives other bits.
    """
    session = known_training.session(place, N_HIDDEN)
    engine = session.network.engine
    try:
        milliseconds = _step(session, while_training) * 1e3
    except (JailError, WorkerFault) as error:
        problem = f"engine {engine}, but no step can be taken: {error}"
        return Finding(Check.NETWORK, Condition.FAILED, problem, {"engine": engine})
    measured: dict[str, Scalar] = {"engine": engine, "step_milliseconds": milliseconds, "n_hidden": N_HIDDEN}
    said = f"engine {engine}, {milliseconds:.2f} ms a step (n_hidden={N_HIDDEN}, median of {ROUNDS} epochs)"
    if engine == "binary64":
        problem = f"the slow network trains: {_why_not_compiled(session.instance_id)}"
        return Finding(Check.NETWORK, Condition.WARNING, f"{said}; {problem}", measured)
    return Finding(Check.NETWORK, Condition.OK, said, measured)


def _step(session: Session, while_training: Callable[[], None]) -> float:
    """Seconds of a step of a training, the median of some epochs."""
    seconds = []
    with session.trainer() as trainer:
        trainer.start(session.initial)
        trainer.advance()
        for _ in range(ROUNDS):
            started = time.perf_counter()
            trainer.advance()
            seconds.append(time.perf_counter() - started)
        while_training()
    return median(seconds) / session.instance_id.edition.batches


def _why_not_compiled(instance_id: InstanceId) -> str:
    """What stands against the compiled network, and what to do."""
    if ENGINE_VARIABLE in os.environ:
        return f"{ENGINE_VARIABLE} says so; unset it"
    try:
        import_module("verifier.challenge.network.compiled.compiled_network").CompiledNetwork(instance_id)
        import_module("verifier.challenge.network.compiled.self_test").is_exact()
    except ImportError as error:
        return f"{error}; pip install numba"
    except Exception as error:  # whatever it is, it says so
        return str(error)
    return "it could not be compiled once and then could; try again"
