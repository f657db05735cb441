"""Errors of the verifier. The rejection of a claim is an answer, never one of these."""

from __future__ import annotations


class VerifierError(Exception):
    """Base of everything that the verifier raises on purpose."""


class EditionError(VerifierError):
    """An edition that does not exist."""


class TrackError(VerifierError):
    """A track that its edition does not have."""


class InputError(VerifierError):
    """A file or value given by the user cannot be used; the message names it and says what to do."""


class NoAnswerError(InputError):
    """An audit's files are no answer of the claim's signer to its request; nothing follows about the claim."""
