"""Two claims about one training: where their transcripts part, and who is wrong there (specification, 10.12)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Final

from protocol.bisection import Side, first_difference
from protocol.claim import Claim
from protocol.transcript import Leaf, Transcript
from sandbox.errors import ModuleRefused, OptimiserError
from verifier.challenge.errors import InputError
from verifier.challenge.session import Session
from verifier.challenge.solving import solve

_OUTCOME: Final = (
    "epochs", "best_epoch", "stop_reason", "fuel_used", "train_losses", "validation_losses", "transcript_root",
    "solution_digest", "quality",
)  # fmt: skip

Observe = Callable[[int], None]
Fields = tuple[str, ...]


@dataclass(frozen=True)
class Party:
    """One side: a name for messages, its claim, and the transcript that it has signed for it."""

    name: str
    claim: Claim
    transcript: Transcript

    @property
    def stands_by_it(self) -> bool:
        """True if the transcript is the one that the claim commits to."""
        committed = self.claim.transcript_root, self.claim.epochs
        return (self.transcript.tree().root, len(self.transcript.leaves) - 1) == committed

    def leaf(self, epoch: int) -> Leaf | None:
        """The leaf of an epoch; None where this side's training had ended."""
        return _leaf(self.transcript.leaves, epoch)


@dataclass(frozen=True)
class Ruling:
    """The decision of a dispute."""

    detail: str
    """For people: how it was found."""
    wrong: Mapping[str, Fields]
    """By name, each party that is wrong, and the fields of its leaf, or of its claim, that are.

    `epochs` for one whose training goes on where it must end, or ends where it must go on.
    """
    epoch: int | None = None
    """The one whose leaf is wrong; None if the fields are the claim's."""
    differs: int | None = None
    """The first epoch in which the transcripts differ; None if they do not, or were not compared."""
    digests: int = 0
    """Digests that the busier side had to send to find it."""


def require_same_task(one: Party, other: Party) -> None:
    """Raise InputError, naming the field, unless both claims are about one training."""
    field = one.claim.task.differing_field(other.claim.task)
    if field is None and one.claim.nonce != other.claim.nonce:
        field = "nonce"
    if field is not None:
        raise InputError(f"{one.name} and {other.name} differ in {field}: there is no dispute between two trainings")


def rule(one: Party, other: Party, session: Session, observe: Observe = lambda epoch: None) -> Ruling:
    """Find the first epoch in which two claims of one task differ, train it again, and say who is wrong.

    Training starts from the seed: it needs nothing of either side, and costs as many epochs as come before; `observe`
    is told each. Raises MachineError or WorkerFault.
    """
    faithless = {party.name: ("transcript_root",) for party in (one, other) if not party.stands_by_it}
    if faithless:
        return Ruling("a signed transcript is not the one that its claim commits to; nothing was trained", faithless)
    sides = [_side(party) for party in (one, other)]
    differs = first_difference(*sides)
    if differs is None:
        return _rule_on_claims(one, other, session, observe)
    digests = max(side.digests for side in sides)
    try:
        leaves = _train(session, differs, observe)
    except (ModuleRefused, OptimiserError) as error:
        return Ruling(_failing(error), _both(one, other), None, differs, digests)
    for epoch in range(differs + 1):
        faults = {party.name: _leaf_faults(party.leaf(epoch), _leaf(leaves, epoch)) for party in (one, other)}
        if wrong := _only_wrong(faults):
            break
    before = "; both were wrong before that" if epoch < differs else ""
    return Ruling(f"training again up to there shows it{before}", wrong, epoch, differs, digests)


def _rule_on_claims(one: Party, other: Party, session: Session, observe: Observe) -> Ruling:
    """Compare what the claims say beside their transcripts, when these are the same."""
    differing = [name for name in _OUTCOME if getattr(one.claim, name) != getattr(other.claim, name)]
    if not differing:
        return Ruling("the claims say the same; there is nothing to decide", {})
    try:
        true = solve(session, lambda epoch: observe(epoch.number)).claim
    except (ModuleRefused, OptimiserError) as error:
        return Ruling(_failing(error), _both(one, other))
    faults = {
        party.name: tuple(name for name in _OUTCOME if getattr(party.claim, name) != getattr(true, name))
        for party in (one, other)
    }
    detail = f"the transcripts are the same, the claims differ in {', '.join(differing)}; training to the end shows it"
    return Ruling(detail, _only_wrong(faults))


def _side(party: Party) -> Side:
    return Side(party.name, party.claim.transcript_root, party.claim.epochs + 1, party.transcript.tree())


def _train(session: Session, epoch: int, observe: Observe) -> tuple[Leaf, ...]:
    """The true leaves up to an epoch; fewer where training ends before."""
    with session.trainer() as trainer:
        trainer.start(session.initial)
        reason = None
        while reason is None and len(trainer.losses) < epoch:
            reason = trainer.advance()
            observe(len(trainer.losses))
        return tuple(trainer.leaves)


def _leaf(leaves: tuple[Leaf, ...], epoch: int) -> Leaf | None:
    return leaves[epoch] if epoch < len(leaves) else None


def _leaf_faults(claimed: Leaf | None, true: Leaf | None) -> Fields:
    """The fields in which a party's leaf is not the true one."""
    if claimed is None or true is None:
        return () if claimed is true else ("epochs",)
    mine, theirs = asdict(claimed), asdict(true)
    return tuple(name for name in mine if mine[name] != theirs[name])


def _only_wrong(faults: Mapping[str, Fields]) -> dict[str, Fields]:
    return {name: fields for name, fields in faults.items() if fields}


def _both(one: Party, other: Party) -> dict[str, Fields]:
    return {party.name: ("optimiser_digest",) for party in (one, other)}


def _failing(error: Exception) -> str:
    return f"no claim can come from this module: {error}"
