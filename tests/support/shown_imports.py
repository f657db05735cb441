"""What a process of ours imports: run by `tig_verify.origin.command`, it prints where each named module is from."""

from __future__ import annotations

import json
import sys
from importlib import import_module


def main(names: list[str]) -> None:
    """Print one JSON object: the paths, and by its name the file of each module."""
    files = {name: getattr(import_module(name), "__file__", None) for name in names}
    print(json.dumps({"path": sys.path, "files": files}))
