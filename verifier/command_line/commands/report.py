"""`tig-verify report`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from verifier.challenge.errors import InputError
from verifier.command_line.exit_codes import DONE, USAGE
from verifier.command_line.files import require_writable, write_file
from verifier.command_line.terminal import say, visible

if TYPE_CHECKING:
    from verifier.command_line.pages.report_inputs import Kind


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="The page, a .html file.")
def report(paths: tuple[Path, ...], out: Path) -> int:
    """Make one HTML page about PATHS: claims, verdicts, a comparison or a study.

    A PATH is a folder of claims (or a .claim), a file of `verify --out`, one of `compare --out`, or the folder or the
    table of a study. Claims and verdicts can be on one page: each claim has the verdicts about it, also the signed ones
    beside it. What a run's log beside the claims says of times and failures is there too.

    The page is one file. It loads nothing and sends nothing, and can be opened without a network, printed, mailed.

    Signatures are checked, nothing else is (that is `verify`). A file that is spoilt is named, on the page too: then
    the exit code is 2.

    \b
    Example: tig-verify report out -o out.html
             tig-verify report out verdicts.jsonl -o verdicts.html
             tig-verify report runs.jsonl -o comparison.html
    """
    if out.suffix != ".html":
        raise InputError(f"{out}: a page is a .html file; end the name so")
    require_writable(out.parent)
    from verifier.command_line.pages.report_inputs import Kind, recognised
    from verifier.command_line.pages.report_pages import claims_report, comparison_report, study_report
    from verifier.report.html import html

    known = dict(map(recognised, dict.fromkeys(paths)))
    command = shlex.join(["tig-verify", *sys.argv[1:]])
    kinds = set(known.values())
    faults: Sequence[str] = ()
    if kinds <= {Kind.CLAIMS, Kind.LOG}:
        page, faults = claims_report(known, command)
    elif kinds == {Kind.COMPARISON}:
        page = comparison_report(list(known), command)
    elif kinds == {Kind.STUDY}:
        page = study_report(list(known), command)
    else:
        raise InputError(_mixed(known))
    data = html(page, visible)
    write_file(out, data)
    say(*(f"tig-verify: {fault}" for fault in faults), is_error=True)
    say(f"{out}: {page.title}, {len(data):,} bytes")
    return USAGE if faults else DONE


def _mixed(known: dict[Path, Kind]) -> str:
    (path, kind), *others = known.items()
    other = next(other for other in others if other[1] is not kind)
    return f"{path} is {kind}, and {other[0]} is {other[1]}: they have no page in common; call once for each"
