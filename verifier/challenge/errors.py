"""Errors of the verifier. The rejection of a claim is an answer, never one of these."""

from __future__ import annotations

from enum import StrEnum

from arithmetic.errors import MachineError


class VerifierError(Exception):
    """Base of everything that the verifier raises on purpose."""


class EditionError(VerifierError):
    """An edition that does not exist."""


class TrackError(VerifierError):
    """A track that its edition does not have."""


class InputError(VerifierError):
    """A file or value given by the user cannot be used; the message names it and says what to do, in a line or more."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class Part(StrEnum):
    """A part of what a validator is given about a claim."""

    CLAIM = "claim"
    SOLUTION = "solution"
    MODULE = "module"
    ANSWER = "answer"  # the response of an audit, and its states


class NoEvidenceError(InputError):
    """A part is not what the claim's signer has signed, or not what the claim names; nothing follows about the claim.

    Anybody can have put it there, so it speaks against nobody.
    """

    def __init__(self, part: Part, problem: str) -> None:
        super().__init__(problem)
        self.part = part


class UnopenedError(MachineError):
    """This machine failed before it knew who signed the evidence, so there is nobody whom a verdict could name."""
