"""The bounds of an optimiser's state (specification, 8.1)."""

from __future__ import annotations

from typing import Final

MAX_DEPTH: Final = 32
"""Levels of containers in a state."""
MAX_NODES: Final = 65_536
"""Parts of a state."""
MAX_BYTES: Final = 2**28
"""Bytes of the canonical encoding (`state_codec`)."""
MAX_OBJECT_BYTES: Final = 2**24
"""Bytes of it beside the elements of tensors: what a module's process holds from call to call."""
