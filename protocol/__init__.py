"""Bytes and records of the contest: canonical encoding, hashes, seeds, Merkle roots, keys, signed envelopes.

Usable alone: it needs msgpack, blake3 and cryptography, and knows nothing of training or sandboxes.
"""

from tig_verify.front_door import front_door

__getattr__, __dir__ = front_door(__name__)
