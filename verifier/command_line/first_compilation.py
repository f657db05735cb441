"""What is said before the first training on a machine, which waits until the network has been compiled."""

from __future__ import annotations

from verifier.command_line.terminal import say


def say_if_first() -> None:
    """Say so, if the network is still to be compiled."""
    from verifier.challenge.network.network_choice import waits_for_compiler

    if waits_for_compiler():
        say("tig-verify: compiling the network for this processor, once; that takes some 15 s", is_error=True)
