"""The file of `verify --out`: a line of JSON for each verdict and each draw, and what is not to be done again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from protocol.beacon import check_beacon
from protocol.envelope import Envelope
from protocol.errors import ProtocolError, RecordError
from protocol.hashes import blake3_digest
from protocol.verdict import Level, Outcome, Reason, StatedTerms
from verifier.challenge.errors import InputError
from verifier.command_line.files import read_file
from verifier.command_line.terminal import json_text
from verifier.command_line.verifying.answered_audit import AnsweredAudit
from verifier.runs.results_table import ResultsTable, RowFault, RowFormat
from verifier.runs.row_formats import json_object
from verifier.verification.draw import Draw
from verifier.verification.policy import Standing
from verifier.verification.standing import Judgement

if TYPE_CHECKING:
    from verifier.verification.context import Terms

Key = tuple[object, ...]
"""File as named, level, the validator's terms, digests of the envelopes that a verdict depends on. The digest of what
the claim states would not do: anybody can sign a copy of a claim and get it rejected, and the claim itself must not be
skipped for that. The solution's is not needed: a claim names its solution, and no verdict follows from another one."""
_HEX: Final = re.compile("[0-9a-f]{64}")
_ANSWER: Final = "request", "response"


def described(terms: StatedTerms) -> dict[str, str | int | None]:
    """The terms as an entry of a line."""
    return {
        "signer": _hex(terms.signer),
        "precommit_digest": _hex(terms.precommit_digest),
        "precommit_signer": _hex(terms.precommit_signer),
        "seed_beacon": terms.seed_beacon,
        "quality_above": terms.threshold,
    }


def _hex(data: bytes | None) -> str | None:
    return None if data is None else data.hex()


@dataclass(frozen=True)
class LoggedVerdict(Judgement):
    """A line about a verdict, and what is needed of it."""

    line: str
    key: Key

    @property
    def file(self) -> str:
        """The claim as it was named."""
        return str(self.key[0])

    @classmethod
    def read(cls, entry: Mapping[str, Any], line: str) -> Self:
        """The verdict in a line. Raises ValueError, KeyError or TypeError."""
        evidence, terms = entry["evidence"], entry["terms"]
        asked = (terms[name] for name in described(StatedTerms()))
        key = entry["file"], entry["level"], *asked, *(evidence.get(kind) for kind in ("claim", *_ANSWER))
        signer, claim_digest = (_text(entry, name) for name in ("signer", "claim_digest"))
        _text(entry, "detail")
        if type(entry["step"]) is not int or type(entry["measured"]) is not dict:
            raise RowFault("step and measured: expected a whole number and an object")
        level, outcome, reason = Level(entry["level"]), Outcome(entry["outcome"]), Reason(entry["reason"])
        return cls(signer, claim_digest, level, outcome, reason, line, key)


@dataclass(frozen=True)
class LoggedDraw(Draw):
    """A line about the draw of a claim's level."""

    line: str
    file: str
    """The claim as it was named."""

    @property
    def key(self) -> Key:
        """A claim of a signer is drawn once, whatever its file is called."""
        return "draw", self.claim_digest, self.signer

    @staticmethod
    def key_of(claim_digest: bytes, signer: bytes) -> Key:
        """The key of the draw of a claim."""
        return "draw", claim_digest.hex(), signer.hex()

    @classmethod
    def of(cls, path: Path, drawn: Draw) -> Self:
        """The line of a draw."""
        line = json_text(
            {
                "file": str(path),
                "signer": drawn.signer,
                "claim_digest": drawn.claim_digest,
                "drawn": drawn.level,
                "standing": drawn.standing,
                "replay": drawn.replay,
                "audit": drawn.audit,
                "beacon": drawn.beacon,
                "number": drawn.number,
                "policy": drawn.policy,
            }
        )
        return cls(**asdict(drawn), line=line, file=str(path))

    @classmethod
    def read(cls, entry: Mapping[str, Any], line: str) -> Self:
        """The draw in a line. Raises ValueError, KeyError or TypeError."""
        digest, signer, policy = (_digest(entry, name) for name in ("claim_digest", "signer", "policy"))
        beacon, file = (_text(entry, name) for name in ("beacon", "file"))
        _check(beacon)
        replay, audit, number = (_number(entry, name) for name in ("replay", "audit", "number"))
        standing, level = Standing(entry["standing"]), Level(entry["drawn"])
        return cls(digest, signer, standing, replay, audit, beacon, number, level, policy, line, file)


def _text(entry: Mapping[str, Any], name: str) -> str:
    if type(value := entry[name]) is not str:
        raise RowFault(f"{name}: expected text")
    return value


def _digest(entry: Mapping[str, Any], name: str) -> str:
    if not _HEX.fullmatch(value := _text(entry, name)):
        raise RowFault(f"{name}: expected 64 hexadecimal digits")
    return value


def _check(beacon: str) -> None:
    try:
        check_beacon(beacon, "beacon")
    except RecordError as error:
        raise RowFault(str(error)) from None


def _number(entry: Mapping[str, Any], name: str) -> float:
    if type(value := entry[name]) is not float:
        raise RowFault(f"{name}: expected a number with a point")
    return value


Row = LoggedVerdict | LoggedDraw


def _read(line: str) -> Row:
    """The row in a line. Raises ValueError, KeyError or TypeError."""
    entry = json_object(line)
    return LoggedDraw.read(entry, line) if "drawn" in entry else LoggedVerdict.read(entry, line)


def _agree(earlier: Row, later: Row) -> bool:
    """Whether both can be in one log: what is undetermined is tried again, and what is decided is so once, for ever."""
    if isinstance(earlier, LoggedDraw) or isinstance(later, LoggedDraw):
        return False
    undecided = earlier.outcome is Outcome.UNDETERMINED
    return undecided or (earlier.outcome, earlier.reason) == (later.outcome, later.reason)


FORMAT: Final = RowFormat[Row]("verify", lambda row: row.line, _read, begins='{"file": ', agree=_agree)
VerdictLog = ResultsTable[Row]


class Decisions:
    """What a log says of claims under the terms of one validator."""

    def __init__(self, log: VerdictLog, terms: Terms) -> None:
        self._terms = terms
        self.files = frozenset(row.file for row in log.rows.values())
        """The claims that the log has a line on."""
        verdicts = [row for row in log.rows.values() if isinstance(row, LoggedVerdict)]
        decided = [row for row in verdicts if row.outcome is not Outcome.UNDETERMINED]
        self._rows = {row.key: row for row in decided}
        self._of_any_answer = {row.key[: -len(_ANSWER)]: row for row in decided}

    def find(self, path: Path, level: Level, audit: AnsweredAudit | None = None) -> LoggedVerdict | None:
        """The decision about this file as it is now; None if there is none, so also for the undetermined, to be tried
        again. Nothing is read of a claim that the log has no line on. Raises InputError for an answer that cannot be
        read."""
        answer = (audit.request.digest().hex(), audit.response().digest().hex()) if audit else (None, None)
        return self._rows.get((*self._key(path, level), *answer))

    def find_any(self, path: Path, level: Level) -> LoggedVerdict | None:
        """The same, whatever answer of an audit it is about."""
        return self._of_any_answer.get(self._key(path, level))

    def _key(self, path: Path, level: Level) -> Key:
        """The key without the digests of an answer; an empty one if there is no decision for want of the file."""
        if str(path) not in self.files:
            return ()
        try:
            data = read_file(path)
            signer = Envelope.from_bytes(data).public_key if self._terms.signers else b""  # else it does not matter
        except (InputError, ProtocolError):
            return ()  # it is looked at again, and reported
        asked = described(self._terms.stated(signer)).values()
        return str(path), str(level), *asked, blake3_digest(data).hex()  # the envelope's, which has one encoding
