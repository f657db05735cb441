"""Folders of the checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
FIXTURES: Final = ROOT / "fixtures"
VECTORS: Final = FIXTURES / "vectors"
