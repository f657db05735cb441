"""Known words that an unknown one may have been meant for."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

_CLOSE: Final = 0.75
_MOST: Final = 50
"""Unknown words that are looked at: comparing two words takes microseconds, and a hostile module has thousands."""
_MOST_KNOWN: Final = 500
_LONGEST: Final = 40


class Suggestions:
    """Looks for close matches among the words `known`."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = sorted(known)
        self._hints: dict[str, str] = {}

    def hint(self, word: str) -> str:
        """Ask whether a known word was meant, or say nothing."""
        if word not in self._hints:
            if len(self._hints) == _MOST or len(word) > _LONGEST:
                return ""
            near = [known for known in self._known if abs(len(known) - len(word)) <= 3][:_MOST_KNOWN]
            close = difflib.get_close_matches(word, near, n=1, cutoff=_CLOSE)
            self._hints[word] = f"did you mean {close[0]!r}?" if close else ""
        return self._hints[word]
