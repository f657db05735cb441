"""How many claims of a call have which outcome, which of them are copies, and the exit code that follows."""

from __future__ import annotations

from collections import Counter

from protocol.verdict import Outcome, Reason
from verifier.command_line.exit_codes import DONE, REJECTED, UNDETERMINED, UNFINISHED, USAGE

_CODES = {Outcome.ACCEPTED: DONE, Outcome.REJECTED: REJECTED, Outcome.UNDETERMINED: UNDETERMINED}


class Tally:
    """The number of claims for each outcome; None for those without a verdict."""

    def __init__(self) -> None:
        self.counts: Counter[Outcome | None] = Counter()
        self.copies: dict[str, str] = {}
        """By file, the earlier one with the same outcome that states the same: anybody can sign a copy and file it."""
        self.before = 0
        """Claims whose verdict is from an earlier call."""
        self.unqualified = 0
        """Rejected for their claimed quality, without another look."""
        self.unwritten = 0
        """Whose .verdict could not be written."""
        self._copied: Counter[Outcome | None] = Counter()
        self._stated: dict[tuple[Outcome | None, str], str] = {}

    def original(self, file: str, outcome: Outcome | None, claim_digest: str) -> str | None:
        """The file that this one is a copy of, if any; the digest, where it has one, is of what it states."""
        first = self._stated.get((outcome, claim_digest), file)
        return None if first == file else first

    def add(self, file: str, outcome: Outcome | None, reason: Reason = Reason.NONE, claim_digest: str = "") -> None:
        """Count a claim that has been told of."""
        self.counts[outcome] += 1
        self.unqualified += reason is Reason.UNQUALIFIED
        if first := self.original(file, outcome, claim_digest):
            self.copies[file] = first
            self._copied[outcome] += 1
        elif claim_digest:
            self._stated[outcome, claim_digest] = file

    @property
    def claims(self) -> int:
        """All of them."""
        return self.counts.total()

    def code(self, left: int = 0) -> int:
        """The exit code, if so many claims are left to the next call.

        0 and 1 are answers about all claims: 4 if one is left, else 2 if one has no verdict or its .verdict could not
        be written, else 3 if one is undetermined, else 1 if one is rejected.
        """
        codes = {USAGE if outcome is None else _CODES[outcome] for outcome in self.counts}
        codes |= ({USAGE} if self.unwritten else set()) | ({UNFINISHED} if left else set())
        return next((code for code in (UNFINISHED, USAGE, UNDETERMINED, REJECTED) if code in codes), DONE)

    def __str__(self) -> str:
        kinds = (*Outcome, None)
        told = ", ".join(self._told(kind) for kind in kinds if self.counts[kind]) or "nothing judged"
        unqualified = f" ({self.unqualified:,} unqualified)" if self.unqualified else ""
        before = f"; {self.before:,} of them from before" if self.before else ""
        return f"{told}{unqualified}{before}"

    def _told(self, kind: Outcome | None) -> str:
        copies = f" ({self._copied[kind]:,} of them copies)" if self._copied[kind] else ""
        return f"{self.counts[kind]:,} {kind or 'without verdict'}{copies}"
