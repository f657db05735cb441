"""The documents and the help are true: their links, files, names of modules, commands and options exist.

Whoever moves a file or renames a command is told which sentence speaks of it. The changelog speaks of the past and is
asked for its links only.
"""

from __future__ import annotations

import json
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

from tests.support.folders import FIXTURES, ROOT, VECTORS
from verifier.command_line.group import commands
from verifier.command_line.lazy_command import LazyCommand

FOLDERS = sorted(path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith("."))
PACKAGES = "arithmetic|benchmarks|proofs|protocol|sandbox|tests|verifier"
DOCUMENTS = sorted(
    [
        *ROOT.glob("*.md"),
        *(path for name in ("docs", *PACKAGES.split("|"), "fixtures") for path in (ROOT / name).rglob("*.md")),
    ]
)
PRESENT = [path for path in DOCUMENTS if path.name != "CHANGELOG.md"]

LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
CODE = re.compile(r"```.*?```|`((?:[^`\n]|\n(?!\n))+)`|^ {4,}\S.*$", re.MULTILINE | re.DOTALL)
PATH = re.compile(r"[\w.*=/{},-]+")
SUFFIXES = (".py", ".md", ".json", ".jsonl", ".csv", ".png", ".toml", ".txt", ".yaml")
DOTTED = re.compile(rf"(?:{PACKAGES})(?:\.\w+)+")
IDENTIFIER = re.compile(r"[a-z]+(?:_[a-z0-9]+)+(?:\(\))?|[A-Z][a-z]+(?:[A-Z][a-z]+)+")
MODULE = re.compile(r"python -m ([\w.]+)")
TARGET = re.compile(r"^(?:\$ )?make ([a-z][\w-]*)", re.MULTILINE)
COMMAND = re.compile(r"^(?:\w*\$ )?tig-verify (.+)$", re.MULTILINE)


def documents(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=lambda path: str(path.relative_to(ROOT)))


def codes(text: str) -> list[str]:
    """Everything that is set as code: spans, fenced and indented blocks."""
    return [" ".join(found[1].split()) if found[1] else found[0] for found in CODE.finditer(text)]


def anchors(text: str) -> set[str]:
    """The fragments under which a reader finds the headings, as GitHub makes them."""
    plain = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading) for heading in HEADING.findall(text))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}


@cache
def names_of_files() -> frozenset[str]:
    return frozenset(path.name for folder in FOLDERS for path in (ROOT / folder).rglob("*.*"))


def exists(name: str, document: Path) -> bool:
    """Whether a name, with wildcards or alternatives in braces, is that of a file of the project."""
    if "{" in name:
        head, alternatives, tail = re.split(r"[{}]", name, maxsplit=2)
        return all(exists(head + each + tail, document) for each in alternatives.split(","))
    if any(next(folder.glob(name.rstrip("/")), None) for folder in (ROOT, document.parent)):
        return True
    return "/" not in name and name in names_of_files()


def paths(text: str) -> Iterator[str]:
    """The names in code spans that look like files or folders of the project."""
    for code in codes(text):
        if PATH.fullmatch(code) and ((code.partition("/")[0] in FOLDERS and "/" in code) or code.endswith(SUFFIXES)):
            yield code


def resolves(name: str) -> bool:
    """Whether a dotted name is that of a module, or of something in one."""
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


def unknown(call: str) -> list[str]:
    """The commands and options of a call of `tig-verify` that do not exist."""
    words = re.findall(r"[^\s\[\]|,]+", call)
    command: click.Command = commands
    while isinstance(command, click.Group) and words and re.fullmatch(r"[a-z][\w-]*", words[0]):
        word = words.pop(0)
        if word not in command.commands:
            return [word]
        stand_in = command.commands[word]
        command = stand_in.command if isinstance(stand_in, LazyCommand) else stand_in
    options = {option for parameter in command.params for option in parameter.opts} | {"--help", "-h"}
    return [word for word in words if re.match(r"-\w|--\w", word) and word.partition("=")[0] not in options]


@documents(DOCUMENTS)
def test_links_lead_somewhere(path: Path) -> None:
    dead = []
    for link in LINK.findall(path.read_text()):
        if link.startswith(("https://", "http://")):
            continue
        name, _, fragment = link.partition("#")
        target = path.parent / name if name else path
        if not target.exists() or (fragment and fragment not in anchors(target.read_text())):
            dead.append(link)
    assert not dead


@documents(PRESENT)
def test_named_files_exist(path: Path) -> None:
    assert not [name for name in paths(path.read_text()) if not exists(name, path)]


@documents(PRESENT)
def test_named_modules_exist(path: Path) -> None:
    text = path.read_text()
    names = [code for code in codes(text) if DOTTED.fullmatch(code) and not code.endswith(SUFFIXES)]
    assert not [name for name in names if not resolves(name)]
    assert not [name for name in MODULE.findall(text) if find_spec(name) is None]


@cache
def words_of_code() -> frozenset[str]:
    folders = [*(ROOT / name for name in PACKAGES.split("|")), FIXTURES / "optimisers"]
    files = [*(path for folder in folders for path in folder.rglob("*.py")), *VECTORS.glob("*.json")]
    return frozenset(word for path in files for word in re.findall(r"\w+", path.read_text()))


@documents(PRESENT)
def test_named_identifiers_exist(path: Path) -> None:
    names = [code.removesuffix("()") for code in codes(path.read_text()) if IDENTIFIER.fullmatch(code)]
    assert not [name for name in names if name not in words_of_code()]


@documents(PRESENT)
def test_named_commands_exist(path: Path) -> None:
    targets = set(re.findall(r"^([a-z][\w -]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    known = {target for line in targets for target in line.split()}
    text = "\n".join(code.strip() for code in codes(path.read_text()))
    assert not set(TARGET.findall(text)) - known
    assert not {call: bad for call in COMMAND.findall(text) if (bad := unknown(call))}


SPECIFIED = set(
    re.findall(r"^(?:## )?(\d+(?:\.\d+)?) ", (ROOT / "docs" / "specification.md").read_text(), re.MULTILINE)
)
STEP = re.compile(r"[Ss]pecification,? (?:steps? |sections? )?((?:\d+\.?\d*(?:, | and | to )?)+)")


@pytest.mark.parametrize("package", PACKAGES.split("|"))
def test_code_names_steps_and_documents_that_exist(package: str) -> None:
    for path in (ROOT / package).rglob("*.py"):
        text = " ".join(path.read_text().split())
        steps = {step for steps in STEP.findall(text) for step in re.findall(r"\d+(?:\.\d+)?", steps)}
        names = re.findall(r"docs/[\w./-]+\.md", text)
        decisions = re.findall(r"[Dd]ecision (\d+)", text)
        assert not steps - SPECIFIED, path
        assert not [name for name in names if not (ROOT / name).exists()], path
        assert not [n for n in decisions if not any((ROOT / "docs" / "decisions").glob(f"{int(n):04}-*"))], path


@pytest.mark.parametrize("folder", ["benchmarks", "proofs"])
def test_every_program_is_described(folder: str) -> None:
    text = (ROOT / folder / "README.md").read_text()
    programs = [path.stem for path in (ROOT / folder).glob("*.py") if "__main__" in path.read_text()]
    assert not [name for name in programs if f"python -m {folder}.{name}" not in text]


def test_a_walk_passes_each_file_once() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    walks = text.partition("## Ten walks")[2].split("\n### ")[1:]
    assert [int(walk.partition(".")[0]) for walk in walks] == list(range(1, 11))
    for walk in walks:
        steps = [int(number) for number in re.findall(r"^(\d+)\. `", walk, re.MULTILINE)]
        files = list(paths(walk))
        assert steps == list(range(1, len(steps) + 1)), walk
        assert len(set(files)) == len(files) >= 5, walk


COUNTED = {
    r"(\d+)\s+attacks": sum(len(json.loads(path.read_bytes())) for path in (FIXTURES / "attacks").glob("?.json")),
    r"(\d+)\s+ways\s+to\s+cheat": len(json.loads((FIXTURES / "forgeries" / "catalogue.json").read_bytes())),
    r"(\d+)\s+(?:reference\s+optimisers|to\s+start\s+from)": len(list((FIXTURES / "optimisers").glob("*.py"))),
}


@documents(PRESENT)
def test_numbers_of_fixtures_are_right(path: Path) -> None:
    text = path.read_text()
    assert not [
        found[0] for pattern, n in COUNTED.items() for found in re.finditer(pattern, text) if int(found[1]) != n
    ]


def helps(command: click.Command, name: str) -> Iterator[tuple[str, str]]:
    """The help of a command and of those in it, with their names."""
    yield name, command.help or ""
    for each in command.commands.values() if isinstance(command, click.Group) else ():
        yield from helps(each, f"{name} {each.name}")


HELPS = dict(helps(commands, "tig-verify"))


@pytest.mark.parametrize("name", HELPS)
def test_examples_in_the_help_can_be_called(name: str) -> None:
    text = HELPS[name]
    examples = re.findall(r"^ *(?:[\w ]+: +)?tig-verify (.+)$", text, re.MULTILINE)
    assert examples or "\n" not in text, f"the help of {name} has no example"
    assert not {call: bad for call in examples if (bad := unknown(call))}


@pytest.mark.parametrize(
    ("call", "bad"),
    [
        ("verify x.claim --level replay", []),
        ("verify x.claim --levels replay", ["--levels"]),
        ("verfy x.claim", ["verfy"]),
        ("c006 evaluate 7.json [--reported 677289]", []),
        ("c006 --level", ["--level"]),
    ],
)
def test_a_wrong_command_is_noticed(call: str, bad: list[str]) -> None:
    assert unknown(call) == bad


@pytest.mark.parametrize(
    "name", ["protocol/claims.py", "fixtures/vectors/c005_*.json", "tests/{golden,silver}", "no_such.py"]
)
def test_a_wrong_file_is_noticed(name: str) -> None:
    assert not exists(name, ROOT / "README.md")
    assert list(paths(f"see `{name}` there")) == [name]
