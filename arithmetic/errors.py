"""Errors of the arithmetic."""

from __future__ import annotations


class MachineError(Exception):
    """This machine, as it is set up, cannot compute what it must; the message names what is wrong and what to do."""
