"""A file of test results in the form of JUnit, in which each claim is a test: what build servers show by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from protocol.verdict import Outcome
from verifier.command_line.files import write_file
from verifier.command_line.terminal import visible
from verifier.command_line.verifying.verdict_entries import Entry, seconds

_SUITE = "tig-verify verify"
_COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def write_junit(path: Path, entries: Sequence[Entry]) -> None:
    """Write the file whole: a failure for what is rejected, an error for what nobody could judge, and skipped is what
    this call did not come to. Raises InputError."""
    suite = ElementTree.Element("testsuite", name=_SUITE)
    for entry in entries:
        _add(suite, entry)
    counts = {plural: str(len(suite.findall(f"*/{name}"))) for plural, name in _COUNTED.items()}
    suite.attrib |= {"tests": str(len(suite)), **counts, "time": f"{sum(map(seconds, entries)):.3f}"}
    root = ElementTree.Element("testsuites", suite.attrib)
    root.append(suite)
    ElementTree.indent(root)
    write_file(path, ElementTree.tostring(root, "utf-8", xml_declaration=True) + b"\n")


def _add(suite: ElementTree.Element, entry: Entry) -> None:
    level, outcome, detail = entry["level"], entry["outcome"], visible(entry["detail"])
    about = f"tig-verify.{level}" if level else "tig-verify"
    told = {"classname": about, "name": visible(entry["file"]), "time": f"{seconds(entry):.3f}"}
    case = ElementTree.SubElement(suite, "testcase", told)
    if outcome == Outcome.REJECTED:
        message = f"rejected at step {entry['step']}: {detail}"
        ElementTree.SubElement(case, "failure", type=entry["reason"], message=message)
    elif entry.get("left"):
        ElementTree.SubElement(case, "skipped", message=detail)
    elif outcome != Outcome.ACCEPTED:
        ElementTree.SubElement(case, "error", type=outcome or "without verdict", message=detail)
