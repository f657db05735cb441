"""The network that this machine trains: the compiled one where numba is installed; else the eager one.

The choice changes no bit. `TIG_VERIFY_ENGINE` forces it: int16 is the compiled network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import Final

import numpy as np
from numpy.typing import NDArray

from arithmetic import engine_choice
from arithmetic.engine_choice import ENGINE_VARIABLE
from arithmetic.errors import MachineError
from verifier.challenge.editions import DECEMBER_2025, FourierFeatures, Track
from verifier.challenge.instance.instance import draw_points
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.network.architecture import initial_parameters
from verifier.challenge.network.eager_network import EagerNetwork
from verifier.challenge.network.network import Network
from verifier.challenge.network.operands import sums_fit_32_bits
from verifier.challenge.network.statistics import Statistics

Make = Callable[[InstanceId], Network]

_COMPILED: Final = "verifier.challenge.network.compiled"


def network_for(instance_id: InstanceId) -> Network:
    """The network of an instance, to be trained. Raises MachineError."""
    name = engine_choice.forced()
    if name != "binary64" and sums_fit_32_bits(instance_id.edition):
        compiled = _compiled()
        if compiled is not None:
            return compiled(instance_id)
    if name == "int16":
        needs = "numba, a folder of yours alone for what it compiles, and an edition whose sums fit into 32 bits"
        raise MachineError(f"{ENGINE_VARIABLE}=int16 needs {needs}; provide them or unset the variable")
    return _eager(instance_id)


def waits_for_compiler() -> bool:
    """Whether the next network is one that no process has compiled yet. Raises MachineError."""
    if engine_choice.forced() == "binary64":
        return False
    try:
        return not import_module(f"{_COMPILED}.network_kernels").are_compiled()
    except Exception:  # then it is the eager one
        return False


def _eager(instance_id: InstanceId) -> Network:
    return EagerNetwork(instance_id, engine_choice.engine())


@cache
def _compiled() -> Make | None:
    """The compiled network; None where numba is not installed or cannot work. Raises MachineError for other bits."""
    try:
        compiled: Make = import_module(f"{_COMPILED}.compiled_network").CompiledNetwork
        sound = import_module(f"{_COMPILED}.self_test").is_exact() and agree(compiled, _eager)
    except MachineError:
        raise
    except Exception:  # a full disk, a compiler that fails: whatever it is, it costs time and no answer
        return None
    if not sound:
        raise MachineError(f"numba compiles a network that gives other bits here; set {ENGINE_VARIABLE}=binary64")
    return compiled


def agree(candidate: Make, standard: Make) -> bool:
    """Whether two networks give the same bits in a training step and an evaluation of a small instance."""
    pairs = zip(_results(candidate), _results(standard), strict=True)
    return all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in pairs)


_SMALL: Final = replace(
    DECEMBER_2025,
    name="agreement",
    function=FourierFeatures(features=8),
    train_points=17,
    validation_points=5,
    test_points=3,
    test_subset_points=3,
    batches=1,
    width=40,
)


def _results(make: Make) -> Iterator[float | NDArray[np.float32]]:
    instance_id = InstanceId(Track(_SMALL, n_hidden=2), bytes(32))
    network, parameters = make(instance_id), initial_parameters(instance_id)
    statistics, gradient = Statistics.initial(network.architecture), np.zeros_like(parameters)
    points = draw_points(instance_id, 0, _SMALL.train_points)
    batch = network.batch(points.x, points.y)
    yield network.loss_and_gradient(parameters, statistics, batch, gradient)
    yield from (gradient, statistics.means, statistics.variances)
    parameters -= gradient  # biases, gammas and betas are no longer those of the start
    yield network.loss(parameters, statistics, batch)
    yield network.predict(parameters, statistics, points.x)
