"""The options for where verdicts go: signed files, the log, a file of test results, what is printed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from protocol.verdict import Verdict
from verifier.challenge.errors import InputError
from verifier.command_line.files import ClaimFiles, require_writable
from verifier.command_line.options.option_groups import option_group


@dataclass(frozen=True)
class VerdictOptions:
    """The places as they are given."""

    key: Path | None
    verdicts: Path | None
    out: Path | None
    junit: Path | None
    quiet: bool
    as_json: bool

    def __post_init__(self) -> None:
        """Raise InputError for options that do not go together, and for places that nothing can be written to."""
        if self.verdicts is not None and self.key is None:
            raise InputError("--verdicts needs --key, the private key that signs them")
        if self.quiet and self.as_json:
            raise InputError("--quiet leaves claims out, and --json prints an object for each; choose one of them")
        if self.verdicts is not None:
            require_writable(self.verdicts, "--verdicts")
        if self.junit is not None:
            require_writable(self.junit.parent, "--junit")

    @property
    def tells_accepted(self) -> bool:
        """Whether people want a line about what is accepted too, which is not kept elsewhere."""
        return not self.quiet and self.out is None

    def verdict_file(self, claim: Path, verdict: Verdict) -> Path:
        """The file of a signed verdict: beside the claim, or in a folder under 16 digits of the claim's digest."""
        if self.verdicts is None:
            return ClaimFiles(claim).verdict
        return self.verdicts / f"{verdict.evidence['claim'].hex()[:16]}.verdict"


verdict_options: Final = option_group(
    "places",
    VerdictOptions,
    click.option("--key", type=click.Path(path_type=Path),
                 help="Private key: write a signed .verdict beside each claim, replacing an older one."),
    click.option("--verdicts", type=click.Path(path_type=Path), metavar="FOLDER",
                 help="Folder for the signed verdicts instead; each is named by the claim file's digest."),
    click.option("-o", "--out", type=click.Path(path_type=Path),
                 help="Append the JSON to this file, and skip what it has a verdict on."),
    click.option("--junit", type=click.Path(path_type=Path), metavar="FILE",
                 help="Write the results as JUnit's XML, for a build server: each claim is a test."),
    click.option("--quiet", is_flag=True, help="Print nothing of accepted claims."),
    click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each claim, judged or not."),
)  # fmt: skip
