"""Everything that an optimiser's code can reach, by allowed means and by any, compared with a manifest.

    python -m tests.sandbox.reachability check|fill

compares with fixtures/manifest/reachable.json, or writes it.
"""

from __future__ import annotations

import gc
import json
import sys
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from sandbox.language.interface import ENTRY_POINTS
from sandbox.program.value import PARAMETERS
from sandbox.tensors.generator import Generator
from tests.support.folders import FIXTURES
from tests.support.recorded_run import RecordedRun
from tests.support.sample_operations import OPERATIONS

MANIFEST = FIXTURES / "manifest" / "reachable.json"

Manifest = dict[str, dict[str, list[str]]]

MODULE = "\n".join(
    [
        "import math",
        "import torch",
        'HYPERPARAMETERS = {"lr": 0.5}',
        "def init_optimiser_state(difficulty, parameters, hyperparameters, rng):",
        *(f"    {line}" for line in OPERATIONS),
        "    return r",
        "def query_location_parameters(parameters, state, gradient, epoch, train_loss, validation_loss):",
        "    return None",
        "def optimiser_step_updates(state, gradient, parameters, epoch, train_loss, validation_loss):",
        "    return gradient, state",
    ]
).encode()
"""All operations of the facade."""

_ATOMS = (int, float, str, bytes, bool, type(None))
_LEAVES = (type, FunctionType, BuiltinFunctionType, ModuleType)
"""What is not looked into: through the globals of one function, all of the process can be reached."""


def name(value: object) -> str:
    """What a value is, in words that are the same on every run."""
    if isinstance(value, ModuleType):
        return f"module {value.__name__}"
    if isinstance(value, (type, FunctionType, BuiltinFunctionType)):
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, MethodType):
        return f"method {value.__func__.__module__}.{value.__func__.__qualname__}"
    return f"a {type(value).__module__}.{type(value).__qualname__}".replace("a builtins.", "a ")


class Reach:
    """A loaded module, and what it is given."""

    def __init__(self) -> None:
        recording = RecordedRun(MODULE).recording
        self._module = recording._module
        scope: dict[str, Any] = self._module.init_optimiser_state.__globals__
        self._constants = scope["HYPERPARAMETERS"]
        own = {"HYPERPARAMETERS", *ENTRY_POINTS}
        self._globals = {key: value for key, value in scope.items() if key not in own}
        self._read = scope["_getattr_"]
        parameters = recording._vector(PARAMETERS)
        self._arguments = ({"n_hidden": 4}, parameters, {"lr": 0.5}, Generator(recording._recorder))

    def manifest(self) -> Manifest:
        """All of it."""
        return {
            "names": {"globals": sorted(self._globals), "builtins": sorted(self._globals["__builtins__"])},
            "attributes": {name(type(value)): self._attributes(value) for value in self._values()},
            "held": self._held(),
        }

    def _values(self) -> list[object]:
        """One value of each type that allowed means lead to."""
        found: dict[type, object] = {}
        waiting = [*self._arguments, *self._globals.values(), *self._samples()]
        while waiting:
            value = waiting.pop(0)
            if isinstance(value, list | tuple):
                waiting += value
            if type(value) not in found:
                found[type(value)] = value
                waiting += [self._read(value, attribute) for attribute in self._attributes(value)]
        return sorted(found.values(), key=lambda value: name(type(value)))

    def _samples(self) -> list[Any]:
        """Results of all operations, and values of all kinds that the language has."""
        results = self._module.init_optimiser_state(*self._arguments)
        functions = [self._module.init_optimiser_state, ValueError, ValueError("x"), iter([]), slice(1)]
        empty: dict[str, int] = {}
        views = [range(2), empty, empty.items(), empty.keys(), empty.values(), self._constants, ()]
        return [*results, *functions, *views, "text", 1, 1.5, True, None]

    def _attributes(self, value: object) -> list[str]:
        """The attributes that the guard lets code read of a value, out of all that it has."""
        allowed = []
        for attribute in sorted({*dir(value), *dir(type(value))}):
            try:
                self._read(value, attribute)
            except AttributeError:
                continue
            allowed.append(attribute)
        return allowed

    def _held(self) -> dict[str, list[str]]:
        """For each kind of object behind the globals and arguments, what it holds, its own type aside."""
        waiting: list[object] = [*self._globals.values(), *self._arguments]
        held: dict[str, set[str]] = {"what is given": set(map(name, waiting))}
        seen: dict[int, object] = {}
        while waiting:
            value = waiting.pop()
            if id(value) in seen or isinstance(value, _ATOMS + _LEAVES):
                continue
            seen[id(value)] = value
            inside = [v for v in _referents(value) if not isinstance(v, _ATOMS) and v is not type(value)]
            held.setdefault(name(value), set()).update(map(name, inside))
            waiting += inside
        return {key: sorted(held[key]) for key in sorted(held)}


def _referents(value: object) -> list[object]:
    """What an object holds; its attributes as its own, also where this version of Python keeps them in a dict."""
    held = gc.get_referents(value)
    if not any(type(one) is dict for one in held) or isinstance(value, dict | MethodType):
        return held
    attributes = getattr(value, "__dict__", None)
    kept = [one for one in held if one is not attributes]
    return kept if len(kept) == len(held) else [*kept, *(attributes or {}).values()]


def differences(found: Manifest, recorded: Manifest) -> list[str]:
    """One line for each thing that one has and the other has not."""
    lines = []
    for section in sorted(found.keys() | recorded.keys()):
        ours, theirs = found.get(section, {}), recorded.get(section, {})
        for key in sorted(ours.keys() | theirs.keys()):
            here, there = {key, *ours.get(key, ())}, {key, *theirs.get(key, ())}
            lines += [f"{section} of {key}: {item} is new" for item in sorted(here - there)]
            lines += [f"{section} of {key}: {item} is gone" for item in sorted(there - here)]
            if (key in ours) != (key in theirs):
                lines.append(f"{section}: {key} is {'new' if key in ours else 'gone'}")
    return lines


def recorded() -> Manifest:
    """The manifest that is checked in."""
    manifest: Manifest = json.loads(MANIFEST.read_text())
    return manifest


def main() -> None:
    found = Reach().manifest()
    if sys.argv[1:] == ["fill"]:
        MANIFEST.write_text(json.dumps(found, indent=1) + "\n")
    elif wrong := differences(found, recorded()):
        sys.exit("\n".join(wrong))
    print(f"{sum(map(len, found.values()))} entries {'recorded' if sys.argv[1:] == ['fill'] else 'agree'}")


if __name__ == "__main__":
    main()
