"""The messages between the zygote and the process that it serves."""

from __future__ import annotations

import struct
from typing import Final

READY, FORK, REAP = b"Z", b"F", b"R"
"""The first byte of a message: of the zygote's first, of a request to fork, and to reap; answers repeat it."""
FORK_ANSWER: Final = struct.Struct("<ci")
"""The child's number; its process descriptor travels beside it."""
REAP_REQUEST: Final = struct.Struct("<ci")
"""The child's number."""
REAP_ANSWER: Final = struct.Struct("<ci")
"""The child's wait status."""
