"""The jail: its layers here, and that it holds."""

from __future__ import annotations

import contextlib
from typing import Final

from protocol.examination import Check, Condition, Finding
from sandbox.errors import ModuleRefused
from sandbox.isolation import InProcess, Jail
from sandbox.worker.client import is_ended_for
from sandbox.worker.prober import ATTEMPTS
from sandbox.worker.zygote_client import Zygote, workers

_OPTIONAL: Final = {
    "landlock": "Landlock (Linux 5.13 or newer has it, where it is switched on)",
    "namespaces": "namespaces of its own (allow user namespaces, or run as root)",
}
"""The layers that it can do without, with what to do."""


def examine(place: Jail | InProcess) -> Finding:
    """Enter it, and ask for what it forbids. Raises JailError or WorkerFault where there is none.

    The workers are of a zygote without torch: it says nothing about the jail that torch does not load.
    """
    if isinstance(place, InProcess):
        problem = "none: with --isolation none a module runs unprotected, which is only for code that you trust"
        return Finding(Check.JAIL, Condition.WARNING, problem, place.describe())
    with contextlib.closing(Zygote(workers("prober"))) as probing:
        leaks = [attempt for attempt in ATTEMPTS if not is_ended_for(attempt, probing)]
    assert probing.confinement is not None  # each attempt was made in a jail
    layers = probing.confinement.describe()
    if _takes_imports(place):
        leaks.append("a module that imports os")
    if leaks:
        problem = f"does not hold: a jailed worker may have {', '.join(leaks)}; run no module of strangers here"
        return Finding(Check.JAIL, Condition.FAILED, problem, layers)
    said = f"holds; {', '.join(f'{name} {layer}' for name, layer in layers.items())}"
    missing = [what for layer, what in _OPTIONAL.items() if layers[layer] == "none"]
    if missing:
        return Finding(Check.JAIL, Condition.WARNING, f"{said}; without {' and '.join(missing)}", layers)
    return Finding(Check.JAIL, Condition.OK, said, layers)


def _takes_imports(place: Jail) -> bool:
    try:
        place.check(b"import os\n", "probe.py")
    except ModuleRefused:
        return False
    return True
