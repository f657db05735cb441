"""A folder of claims of one task and key: what it has already, and how a new claim is written to it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from protocol.claim import Claim
from protocol.envelope import Signed, seal
from protocol.hashes import blake3_digest
from protocol.keys import SigningKey, VerifyKey
from protocol.solution import Solution
from protocol.task import Task
from protocol.transcript import Leaf, Transcript
from verifier.challenge.errors import InputError
from verifier.challenge.module import Module
from verifier.command_line.files import ClaimFiles, claim_name, new_claim_files, read_file, read_record, write_file
from verifier.command_line.folder_lock import writing_alone
from verifier.command_line.options.execution_options import Shard
from verifier.runs.run_log import Found


@dataclass
class ClaimFolder:
    """The claims of a task's nonces, signed by one key. A nonce is done when its claim is there."""

    folder: Path
    optimiser: Path
    """The module's file, whose name the files of claims begin with."""
    module: Module
    task: Task
    key: SigningKey
    overwrite: bool
    """Whether anything else under the name of a claim is replaced."""
    _has_module: bool = field(default=False, init=False)

    def files(self, nonce: int) -> ClaimFiles:
        """The files of one nonce."""
        return new_claim_files(self.folder, self.optimiser, self.task.settings.track_id, nonce)

    def log_path(self, shard: Shard) -> Path:
        """The log of the run that solves this part of the nonces."""
        part = "" if shard == Shard() else f"-shard-{shard.number}-of-{shard.count}"
        return self.folder / f"{self.optimiser.stem}-{self.task.settings.track_id}{part}.run"

    def found(self, nonces: Sequence[int], known: Mapping[int, Found]) -> Iterator[Found]:
        """The claims that are there; of those that are known, if their files are still the same, that is all.

        Raises InputError for a file that has the name of a claim and is another one, or none.
        """
        try:
            names = {path.name for path in self.folder.iterdir()}
        except FileNotFoundError:
            return
        track = self.task.settings.track_id
        for nonce in nonces:
            if claim_name(self.optimiser, track, nonce) in names and (there := self._there(nonce, known.get(nonce))):
                yield there

    def write(self, claim: Claim, solution: Solution, leaves: Sequence[Leaf]) -> str:
        """Write the files of a claim, itself last: where it is, the others are its own. Raises InputError.

        Returns the digest of the claim's file. A claim that another call has written meanwhile is left as it is.
        """
        files, sealed = self.files(claim.nonce), seal(claim, self.key)
        with writing_alone(self.folder):
            if files.claim.exists() and (there := self._there(claim.nonce)):
                return there.digest
            files.claim.unlink(missing_ok=True)
            if not self._has_module:
                write_file(files.module(self.module.digest), self.module.source)
                self._has_module = True
            write_file(files.solution, seal(solution, self.key).to_bytes())
            transcript = Transcript(blake3_digest(sealed.payload), tuple(leaves))
            write_file(files.transcript, seal(transcript, self.key).to_bytes())
            write_file(files.claim, sealed.to_bytes())
        return blake3_digest(sealed.to_bytes()).hex()

    def _there(self, nonce: int, known: Found | None = None) -> Found | None:
        """The claim in the file of a nonce; None for one that is to be replaced. Raises InputError if it may not be."""
        files = self.files(nonce)
        try:
            for beside in (files.solution, files.transcript):
                if not beside.exists():
                    raise InputError(f"{files.claim}: {beside.name} is not beside it")
            digest = blake3_digest(read_file(files.claim)).hex()
            if known is not None and known.digest == digest:
                return known
            signed = read_record(files.claim, Claim)
            if difference := self._difference(signed, nonce):
                raise InputError(f"{files.claim}: is of another {difference}")
        except InputError as error:
            if self.overwrite:
                return None
            instead = "choose another folder with -o, or pass --overwrite to replace such files"
            raise InputError(f"{error}; {instead}") from None
        return Found(time.time(), nonce, signed.record.quality, digest)

    def _difference(self, signed: Signed[Claim], nonce: int) -> str:
        """What a claim is of instead of what is looked for; nothing if it is the one."""
        if signed.signer != self.key.verify_key.raw:
            return f"key, {VerifyKey(signed.signer).fingerprint}, which signed it"
        if difference := self.task.differing_field(signed.record.task):
            return f"task, which differs in {difference}"
        return "" if signed.record.nonce == nonce else f"nonce, {signed.record.nonce}"
