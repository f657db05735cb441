"""The contest: editions, instances, the network, the training loop, scores, claims and verdicts.

As a library it does what the command line does, under the same names: `train`, `solve`, `verify`, `compare` and
`check`. `dir(verifier)` has all names; each is imported when it is asked for. `import tig_verify` offers the same,
wherever your script lies (docs/library.md).
"""

from tig_verify.front_door import front_door

__getattr__, __dir__ = front_door(__name__)
