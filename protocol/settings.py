"""The settings that a benchmarker commits to before instances are drawn, and the seed that follows from them."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass

from protocol.canonical_json import jsonify
from protocol.errors import SettingsError
from protocol.hashes import blake3_digest

_PRINTABLE_ASCII = re.compile(r"[\x20-\x7e]*")


@dataclass(frozen=True)
class Settings:
    """The network's settings object: five texts that identify who runs which algorithm on which track."""

    algorithm_id: str
    block_id: str
    challenge_id: str
    player_id: str
    track_id: str


def instance_seed(settings: Settings, rand_hash: str, nonce: int) -> bytes:
    """Return the 32-byte seed of one instance: BLAKE3 of canonical settings, `rand_hash` and decimal `nonce`.

    The three are joined by underscores. `rand_hash` is used verbatim: 32 lower-case hexadecimal digits on the
    live network, any printable ASCII in its test scripts. `nonce` is a u64. Raises `SettingsError`.
    """
    texts = asdict(settings)
    for name, text in {**texts, "rand_hash": rand_hash}.items():
        if not _PRINTABLE_ASCII.fullmatch(text):
            raise SettingsError(f"{name}: expected printable ASCII, found {text[:80]!a}")
    track = settings.track_id
    if track.startswith('"') and track.endswith('"'):
        # The network's parser would accept it, but the quotes would enter the hash and give another instance.
        raise SettingsError(f"track_id: remove the double quotes around {track[1:-1]}; they would change the seed")
    if not 0 <= nonce < 1 << 64:
        raise SettingsError(f"nonce: expected an integer from 0 to 2^64 - 1, found {nonce}")
    return blake3_digest(f"{jsonify(texts)}_{rand_hash}_{nonce}".encode("ascii"))
