"""The one place that the packages of this toolkit come from, in this process and in those that it starts.

Python looks for a package beside the user's script first, and a folder `sandbox/` or a file `random.py` there is no
rare thing. So ours are looked for in the folder of this very file, and a process of ours never looks beside the script
or in the working folder. This file imports nothing of the others: it is what a new process begins with.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from threading import RLock
from types import ModuleType
from typing import Final

PACKAGES: Final = ("arithmetic", "protocol", "sandbox", "verifier")
"""The names that somebody else may have too."""
_ONE_AT_A_TIME: Final = RLock()
"""The paths are the process's: two threads that changed them would not both put them back."""
_HERE: Final = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))


class _OurFinder:
    """Finds the packages of ours where they are, and nothing else."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Where a package is; None for a name that is not ours."""
        return PathFinder.find_spec(name, [_HERE]) if name in PACKAGES else None


def require_ours() -> None:
    """Import the packages, from here. Raises ImportError if this process has others of their names."""
    sys.meta_path.insert(0, _OurFinder)
    try:
        for name in PACKAGES:
            _require_ours(import_module(name))
    finally:
        sys.meta_path.remove(_OurFinder)


def _require_ours(package: ModuleType) -> None:
    found = package.__file__ or next(iter(package.__path__), "nowhere")
    if os.path.realpath(found) != os.path.join(_HERE, package.__name__, "__init__.py"):
        raise ImportError(
            f"tig_verify has a package {package.__name__!r}, and this process has imported another one, {found}; "
            "give that one another name, or use tig_verify in a process that does not import it",
            name=package.__name__,
        )


def import_path() -> list[str]:
    """Where this process imports from, without the folder of the script and the working folder.

    A relative path is that of a folder which depends on the working one. Where the packages of ours are themselves in
    one of these folders, it stays.
    """
    beside = _beside() - {_HERE}
    return [path for path in sys.path if os.path.isabs(path) and os.path.realpath(path) not in beside]


def _beside() -> set[str]:
    """The working folder, and that of the script, if this process has one."""
    folders = set()
    with contextlib.suppress(FileNotFoundError):
        folders.add(os.path.realpath(os.getcwd()))
    script = sys.modules["__main__"]
    if getattr(script, "__spec__", None) is None and (file := getattr(script, "__file__", None)):
        folders.add(os.path.dirname(os.path.realpath(file)))
    return folders


@contextlib.contextmanager
def imports_of_ours() -> Iterator[None]:
    """Inside, what is imported is ours and our libraries', whatever lies beside the script. Raises ImportError."""
    with _ONE_AT_A_TIME:
        before = list(sys.path)
        sys.path[:] = import_path()
        try:
            require_ours()
            yield
        finally:
            sys.path[:] = before


def command(module: str, path: Sequence[str] | None = None) -> tuple[str, ...]:
    """The command for a process that calls `main` of a module of ours with the arguments that are added.

    It heeds no variable of Python's (`-I`), and imports from `path`, by default from where this process does, and then
    from where its interpreter does.
    """
    first = import_path() if path is None else list(path)
    return (sys.executable, "-I", os.path.realpath(__file__), os.pathsep.join(first), module)


if __name__ == "__main__":
    _, _path, _module, *_arguments = sys.argv
    sys.path[:] = dict.fromkeys([*filter(None, _path.split(os.pathsep)), *sys.path])  # each once
    sys.meta_path.insert(0, _OurFinder)
    import_module(_module).main(_arguments)
