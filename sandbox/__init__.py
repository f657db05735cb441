"""The deterministic machine in which an untrusted optimiser runs.

It knows nothing of claims, instances or scores. To have a module checked, or three functions of it called, takes a
place for it: `Jail()`, a context manager, or `InProcess()` for code that is trusted.
"""

from tig_verify.front_door import front_door

__getattr__, __dir__ = front_door(__name__)
