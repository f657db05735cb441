"""The network's test vectors, shared by the tests of hashes, JSON, seeds and trees."""

from __future__ import annotations

import json
from typing import Any

from tests.support.folders import VECTORS

_FILE = VECTORS / "network_hash_seed_merkle.json"

NETWORK: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
