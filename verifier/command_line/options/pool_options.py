"""The options for whoever runs a pool: its policy, the beacon of the draws, its audits, and what is kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from protocol.beacon import check_beacon
from protocol.keys import SigningKey
from verifier.challenge.errors import InputError
from verifier.command_line.files import read_file
from verifier.command_line.options.execution_options import Execution
from verifier.command_line.options.option_groups import option_group

if TYPE_CHECKING:
    from verifier.command_line.verifying.claim_levels import Drawing
    from verifier.command_line.verifying.rejected_claims import RejectedClaims


@dataclass(frozen=True)
class PoolOptions:
    """A pool's options as they are given."""

    policy: Path | None
    draw_beacon: str | None
    requests: Path | None
    keep: Path | None

    def require_alone(self, level: str | None, execution: Execution, out: Path | None) -> None:
        """Refuse options that contradict a policy, or need one. Raises InputError."""
        if self.policy is None:
            if self.draw_beacon is not None or self.requests is not None:
                raise InputError("--draw-beacon and --requests go with --policy, which draws the level of each claim")
        elif level is not None:
            raise InputError("--policy draws the level of each claim; leave --level out")
        elif out is None:
            raise InputError("--policy needs --out, the log by which it knows the signers of earlier claims")
        elif execution.shard.count > 1:
            raise InputError("--policy needs one log of all claims; leave --shard out, and share the work with --jobs")
        elif self.requests is not None and execution.cluster is not None:
            raise InputError("--requests: the answers are on this machine alone; leave --cluster out")

    def drawing(self, key: SigningKey | None) -> Drawing | None:
        """What the levels are drawn by. Raises InputError for a policy that is none, RecordError for no beacon."""
        if self.policy is None:
            return None
        from verifier.command_line.verifying.audit_requests import AuditRequests
        from verifier.command_line.verifying.claim_levels import Drawing
        from verifier.verification.draw import new_beacon
        from verifier.verification.policy import Policy

        policy = Policy.parse(read_file(self.policy), self.policy)
        if self.draw_beacon is not None:
            check_beacon(self.draw_beacon, "--draw-beacon")
        beacon = self.draw_beacon or new_beacon()
        if self.requests is None:
            if any(rule.audit for rule in policy.rules.values()):
                raise InputError(f"{self.policy}: draws audits; name a folder for their requests with --requests")
            return Drawing(policy, beacon)
        if key is None:
            raise InputError("--requests needs --key, by which you will know your requests")
        return Drawing(policy, beacon, AuditRequests(self.requests, key, policy.audit_epochs))

    def kept(self, out: Path | None) -> RejectedClaims | None:
        """The folder for what is rejected, if any is asked for."""
        from verifier.command_line.verifying.rejected_claims import RejectedClaims

        if self.keep is not None:
            return RejectedClaims(self.keep)
        return RejectedClaims(out.with_name(f"{out.stem}-rejected")) if out and self.policy else None


pool_options: Final = option_group(
    "pool",
    PoolOptions,
    click.option("--policy", type=click.Path(path_type=Path),
                 help="Draw the level of each claim, by this TOML file and by what --out has on its signer."),
    click.option("--draw-beacon", metavar="TEXT",
                 help="Policy: what decides the draws, published after the claims. Default: randomness of our own."),
    click.option("--requests", type=click.Path(path_type=Path),
                 help="Policy: folder for the requests of audits, and for the answers to them."),
    click.option("--keep", type=click.Path(path_type=Path),
                 help="Folder for what is rejected, as it was judged. Default with --policy: beside --out."),
)  # fmt: skip
