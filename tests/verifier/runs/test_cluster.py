"""A cluster, as far as it needs no Ray: addresses, and who may work together. See tests/extras for more."""

from __future__ import annotations

import socket
from contextlib import nullcontext

import pytest

from verifier.challenge.errors import InputError
from verifier.challenge.versions import sources
from verifier.runs import cluster
from verifier.runs.cluster import Cluster
from verifier.runs.node import difference, identity

HERE = {"tig-verify": "1.0", "python": "3.11", "sources": "a" * 64, "jail": "works"}


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "find_spec", lambda name: name)


def made(address: str) -> Cluster[int, int]:
    return Cluster(lambda: nullcontext(abs), address, pytest.fail)


def test_without_ray_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"--cluster: needs Ray, .* pip install 'tig-verify\[cluster\]'"):
        made("local")


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("address", ["", "nonsense", ":6379", "host:", "host:x", "ray://host:10001", "host:-1"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InputError, match=r"is no address; write `local`, or that of Ray's head, as 10\.0\.0\.7:6379"):
        made(address)


@pytest.mark.usefixtures("installed")
def test_an_address_where_nobody_is_is_refused_at_once() -> None:
    with socket.socket() as bound:  # and does not listen
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(InputError, match=r"nobody is there \(.*refused\); start Ray's head first"):
            made(f"127.0.0.1:{bound.getsockname()[1]}")
    with pytest.raises(InputError, match="nobody is there"):
        made("127.0.0.1:99999")


def test_a_node_must_have_what_the_caller_has() -> None:
    assert difference(HERE, HERE) == ""
    other = {**HERE, "tig-verify": "1.1", "sources": "b" * 64}
    assert difference(other, HERE) == "tig-verify 1.1 instead of 1.0, sources bbbbbbbbbbbb instead of aaaaaaaaaaaa"
    jailless = {**HERE, "jail": "the jail cannot be built"}
    assert difference(jailless, HERE) == "the jail cannot be built"
    assert difference(HERE, jailless) == difference(jailless, jailless) == ""


@pytest.mark.slow
def test_this_machine_knows_who_it_is() -> None:
    found = identity()
    assert found.keys() == {"tig-verify", "python", "torch", "numpy", "sources", "jail"}
    assert found["jail"] == "works"
    assert found["sources"] == sources()
    assert len(bytes.fromhex(sources())) == 32
    assert found["python"].count(".") == 1
