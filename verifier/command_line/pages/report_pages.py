"""Reads what a report is about, and makes its page."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from verifier.challenge.errors import InputError
from verifier.challenge.versions import versions
from verifier.command_line.pages.claim_reading import ClaimFile, FileSeen, read_claims
from verifier.command_line.pages.report_inputs import Kind, claim_files, file_input, table_rows
from verifier.command_line.pages.run_reading import read_runs
from verifier.report.claim_facts import VerdictFacts, logged_facts
from verifier.report.claims_page import Evidence, Failures, claims_page
from verifier.report.content import Facts, Page
from verifier.report.loss_blocks import LossBlocks, kept_epochs
from verifier.report.provenance import Input, listing_digest, provenance

_FEW = 3
"""Paths that the head of a page names."""


def claims_report(known: Mapping[Path, Kind], command: str) -> tuple[Page, Sequence[str]]:
    """The page about claims and verdicts, and the faults of files. Raises InputError."""
    logs = [path for path, kind in known.items() if kind is Kind.LOG]
    sources = _sources([path for path, kind in known.items() if kind is Kind.CLAIMS])
    files = [file for source in sources.values() for file in source]
    points = kept_epochs(len(files))
    batches = read_claims(files, points)
    runs = read_runs(path for path in known if path.is_dir())
    faults = [*(fault for batch in batches for fault in batch.faults), *runs.faults]
    seen = {each.path: each for batch in batches for each in batch.seen}
    inputs = [_folder_input(name, source, seen) for name, source in sources.items()]
    evidence = Evidence(
        where=_named(known),
        claims=[claim for batch in batches for claim in batch.claims],
        losses=LossBlocks(points, [len(batch.claims) for batch in batches], [batch.losses for batch in batches]),
        logged=[verdict for log in logs for verdict in _logged(log)],
        failures=[
            *([Failures("Failed nonces", runs.reasons, runs.failed)] if runs.failed else []),
            *([Failures("Spoilt files", faults, len(faults))] if faults else []),
        ],
        seconds=runs.seconds,
    )
    inputs += [file_input(log, f"of {Kind.LOG}") for log in logs]
    made = provenance(inputs, command, versions())
    return claims_page(evidence, [*made, Facts("Runs", runs.calls)] if runs.calls else made), faults


def comparison_report(paths: Sequence[Path], command: str) -> Page:
    """The page about comparisons. Raises InputError."""
    from verifier.experiments.comparison_trials import Row
    from verifier.report.comparison_page import comparison_page
    from verifier.runs.row_formats import json_rows

    rows = table_rows(paths, json_rows(Row, "compare"))
    inputs = [file_input(path, f"of {Kind.COMPARISON}") for path in paths]
    return comparison_page(_named(paths), rows.values(), provenance(inputs, command, versions()))


def study_report(paths: Sequence[Path], command: str) -> Page:
    """The page about a study. Raises InputError."""
    from verifier.experiments.study.figure2.rows import STUDY, Row
    from verifier.report.study_page import study_page
    from verifier.runs.row_formats import csv_rows

    rows = table_rows(paths, csv_rows(Row, f"study {STUDY}", f"{STUDY},"))
    if not rows:
        raise InputError(f"{paths[0]}: has no training yet; call `study` again")
    inputs = [file_input(path, f"of {Kind.STUDY}") for path in paths]
    return study_page(_named(paths), list(rows.values()), provenance(inputs, command, versions()))


def _sources(paths: Sequence[Path]) -> dict[str, list[ClaimFile]]:
    """The claims of each folder, and together those that were named one by one; each claim once."""
    folders = [path for path in paths if path.is_dir()]
    named = [path for path in paths if path not in folders]
    sources = {f"{each}": claim_files(each, f"{each}/" if len(folders) > 1 or named else "") for each in folders}
    if named:
        alone = [file for path in named for file in claim_files(path, f"{path.parent}/" if folders else "")]
        sources[f"{named[0]}" if len(named) == 1 else f"{len(named)} files"] = alone
    first = {path: name for name, source in reversed(sources.items()) for path in (file.path for file in source)}
    return {name: [file for file in source if first[file.path] == name] for name, source in sources.items()}


def _folder_input(name: str, source: Sequence[ClaimFile], seen: Mapping[str, FileSeen]) -> Input:
    files = [seen[file.path] for file in source if file.path in seen]
    listing = listing_digest([(os.path.basename(file.path), file.digest) for file in files])
    return Input(
        name,
        f"as `b3sum *.claim | b3sum` prints it of {len(files):,} claims",
        sum(file.size for file in files),
        listing,
    )


def _logged(log: Path) -> Iterator[VerdictFacts]:
    """The verdicts of a log. Raises InputError."""
    from verifier.command_line.verifying.verdict_log import FORMAT, LoggedVerdict
    from verifier.runs.row_formats import json_object

    for row in table_rows([log], FORMAT).values():
        if not isinstance(row, LoggedVerdict):
            continue  # a policy's draw of a level
        try:
            yield logged_facts(json_object(row.line))
        except (KeyError, TypeError, ValueError):
            raise InputError(f"{log}: has a line that `verify` did not write: {row.line[:80]}") from None


def _named(paths: Sequence[Path] | Mapping[Path, Kind]) -> str:
    names = [str(path) for path in paths]
    more = len(names) - _FEW
    return ", ".join(names[:_FEW]) + (f" and {more} more" if more > 0 else "")
