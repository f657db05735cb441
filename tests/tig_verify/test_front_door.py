"""What the packages offer is what their stubs say, and is imported when it is asked for."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from typing import Any

import pytest

import tig_verify
from tests.support.folders import ROOT
from tig_verify.origin import PACKAGES

FRONT_DOORS = ("protocol", "sandbox", "verifier")


def offered(package: str) -> dict[str, str]:
    stub = ast.parse((ROOT / package / "__init__.pyi").read_text())
    assert all(isinstance(node, ast.ImportFrom) for node in stub.body)
    return {
        alias.asname or "": f"{node.module}.{alias.name}"
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


@pytest.mark.parametrize("package", FRONT_DOORS)
def test_every_name_of_a_stub_is_there_and_listed(package: str) -> None:
    names, module = offered(package), import_module(package)
    offers: Any = module
    assert sorted(names) == offers.__all__
    assert set(names) <= set(dir(module))
    for name, place in names.items():
        assert place.rpartition(".")[2] == name
        assert getattr(module, name) is getattr(import_module(place.rpartition(".")[0]), name)


@pytest.mark.parametrize("package", [*FRONT_DOORS, "tig_verify"])
def test_another_name_is_an_attribute_error(package: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'trian'|module 'verifier'"):
        _ = import_module(package).trian
    assert not hasattr(import_module(package), "__wrapped__")


def test_one_name_offers_all_that_verifier_does_and_the_packages() -> None:
    everything = vars(tig_verify)["__getattr__"]("__all__")
    assert everything == sorted([*offered("verifier"), *PACKAGES])
    assert dir(tig_verify) == everything
    for name in everything:
        assert getattr(tig_verify, name) is (
            sys.modules[name] if name in PACKAGES else getattr(import_module("verifier"), name)
        )


@pytest.mark.slow
def test_an_import_of_a_package_imports_no_library() -> None:
    slow = ("numpy", "torch", "cryptography", "msgpack", "click")
    program = f"import protocol, sandbox, verifier, sys; print([name for name in {slow} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
