"""The toolkit under a name that nobody else has: what `import verifier` offers, and the four packages themselves.

A folder `sandbox/` beside a script hides ours from `import verifier`, and this package finds it nevertheless
(`origin.py`). Importing it imports nothing: a name is looked for when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tig_verify.origin import PACKAGES, imports_of_ours


def __getattr__(name: str) -> Any:
    if name.startswith("__") and name != "__all__":  # asked by those who look at every module
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with imports_of_ours():
        if name == "__all__":
            return _everything()
        value = import_module(name) if name in PACKAGES else getattr(import_module("verifier"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    with imports_of_ours():
        return _everything()


def _everything() -> list[str]:
    return sorted([*PACKAGES, *import_module("verifier").__all__])
