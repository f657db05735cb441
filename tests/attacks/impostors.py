"""A zygote whose workers are impostors: unjailed, and whatever they like on the channel. Run in place of the real one.

    python impostors.py DESCRIPTOR

An impostor reads the first request, and executes the module that comes with it: a script with a function

    def attack(channel: Channel) -> None

which answers that request and those that follow, truthfully or not. When it returns, the impostor ends.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import Any, NoReturn

import torch

from sandbox.worker import server, zygote_server
from sandbox.worker.channel import Frame, Kind, Region, listen
from sandbox.worker.worker import Ends


class Channel:
    """A worker's ends of the channel, descriptors and all, with the last request that was read."""

    def __init__(self, ends: Ends) -> None:
        self.requests, self.replies = ends.requests, ends.replies
        self.inputs, self.outputs = ends.inputs, ends.outputs
        self.asked = Region.attach(ends.inputs, ends.size, 2, writer=False)
        self.shown = Region.attach(ends.outputs, ends.size, 1, writer=True)
        self.request = Frame(Kind.READY, 0)

    def hear(self) -> Frame | None:
        """Read the next request; None when nobody is left."""
        heard = listen(self.requests)
        if heard is not None:
            self.request = heard
        return heard

    def say(self, *frames: Frame | bytes) -> None:
        """Write frames, or any bytes, to the pipe of replies."""
        for frame in frames:
            os.write(self.replies, frame if isinstance(frame, bytes) else frame.pack())

    def reply(self, kind: Kind = Kind.DONE, **fields: Any) -> Frame:
        """The frame that answers the last request, to be said."""
        return replace(Frame(kind, self.request.sequence), **fields)

    def until(self, kind: Kind, epoch: int = 0) -> None:
        """Answer as an honest worker would, up to a request of a kind in an epoch, or later."""
        while self.request.kind is not kind or self.request.epoch < epoch:
            self.answer()
            if self.hear() is None:
                os._exit(0)

    def behave(self) -> None:
        """Answer as an honest worker would, from the request that was read last to the end."""
        while True:
            self.answer()
            if self.hear() is None:
                os._exit(0)

    def answer(self) -> None:
        """Answer the last request: nothing to load, no location, half the gradient against its direction."""
        if self.request.kind is Kind.STEP:
            self.updates.copy_(self.gradient * -0.5)
        self.say(self.reply(Kind.NO_LOCATION if self.request.kind is Kind.QUERY else Kind.DONE))

    @property
    def updates(self) -> torch.Tensor:
        """The shared vector of answers."""
        return torch.from_numpy(self.shown.vector(0))

    @property
    def gradient(self) -> torch.Tensor:
        """The shared vector that the trainer wrote."""
        return torch.from_numpy(self.asked.vector(1))


def main(ends: Ends, parent: int, namespaces: tuple[str, ...]) -> NoReturn:
    """Stand in for `worker.main`."""
    try:
        channel = Channel(ends)
        channel.say(Frame(Kind.READY, 0, text=";0;0"))
        heard = channel.hear()
        if heard is not None:
            scope: dict[str, Any] = {}
            exec(channel.asked.read_message(heard.length).partition(b"\n")[2], scope)
            scope["attack"](channel)
    except BrokenPipeError:
        os._exit(0)  # the trainer has had enough
    except BaseException:
        os._exit(70)  # an error of the attack's own, which no case may take for its success
    os._exit(0)


if __name__ == "__main__":
    server.prepare = lambda: torch.set_num_threads(1)
    server.main = main
    zygote_server.main(["server", *sys.argv[1:]])
