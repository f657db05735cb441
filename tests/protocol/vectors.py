"""The network's test vectors, shared by the tests of hashes, JSON, seeds and trees."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FILE = Path(__file__).parents[2] / "fixtures" / "vectors" / "network_hash_seed_merkle.json"

NETWORK: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
