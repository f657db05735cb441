"""Section K: what a stranger names is a regular file before it is opened, and is escaped before it is printed."""

from __future__ import annotations

import ast
import json
import os
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyte
import pytest
from rich.console import Console

from protocol import regular_file
from protocol.envelope import seal
from protocol.keys import SigningKey, VerifyKey
from protocol.record import Record
from protocol.regular_file import open_regular, read_regular
from tests.support import sample_records
from tests.support.called import Ended, called
from tests.support.folders import FIXTURES, ROOT
from verifier.challenge.errors import InputError
from verifier.command_line.files import read_file, require_new, write_file
from verifier.command_line.progress import Progress
from verifier.command_line.terminal import json_text, say, visible
from verifier.command_line.verifying.verdict_log import FORMAT
from verifier.runs.results_table import ResultsTable, read_rows

KEY = SigningKey.generate()
TABLE: dict[str, Any] = json.loads((FIXTURES / "attacks" / "K" / "texts.json").read_text("utf-8"))
TEXTS: dict[str, str] = TABLE["texts"]
NAMES: dict[str, str] = {
    title: bytes.fromhex(name).decode("utf-8", "surrogateescape") for title, name in TABLE["names"].items()
}
Call = Callable[..., Ended]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    return lambda *arguments: called(capsys, *arguments)


def write(path: Path, record: Record) -> Path:
    path.write_bytes(seal(record, KEY).to_bytes())
    return path


def write_claim(path: Path) -> Path:
    """A claim with its solution beside it."""
    solution = sample_records.solution()
    write(path.with_suffix(".solution"), solution)
    return write(path, sample_records.claim(solution_digest=solution.digest()))


# -- a terminal --------------------------------------------------------------------------------------------------


class Terminal(pyte.Screen):
    """A screen that notes its title, and what it is asked to answer."""

    def __init__(self, lines: int) -> None:
        super().__init__(columns=600, lines=lines)
        self.asked: list[str] = []

    def write_process_input(self, data: str) -> None:
        self.asked.append(data)


def shown(text: str) -> Terminal:
    screen = Terminal(text.count("\n") + 4)
    screen.set_mode(pyte.modes.LNM)
    pyte.Stream(screen).feed("$ tig-verify\n" + text)
    return screen


def require_only(text: str) -> list[str]:
    """The lines that a terminal shows of a text, which must be exactly its own, without any other effect."""
    screen = shown(text)
    assert (screen.title, screen.icon_name, screen.asked) == ("", "", [])
    lines = ["$ tig-verify", *text.split("\n")]
    assert [line.rstrip() for line in screen.display[: len(lines)]] == [line.rstrip() for line in lines]
    assert {line.strip() for line in screen.display[len(lines) :]} == {""}
    plain = screen.default_char
    cells = (cell for row in screen.buffer.values() for cell in row.values())
    assert {cell._replace(data=plain.data) for cell in cells} <= {plain}
    return lines[1:-1]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_hostile_text_is_one_plain_line(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    say(f"{text}: rejected")
    (line,) = require_only(capsys.readouterr().out)
    assert line.endswith(": rejected")
    assert line.isprintable()


@pytest.mark.parametrize("title", TABLE["seen"])
def test_a_hostile_text_without_escaping_is_seen_by_the_terminal(title: str) -> None:
    with pytest.raises(AssertionError):
        assert len(require_only(f"{TEXTS[title]}: rejected\n")) == 1


@pytest.mark.parametrize("title", TABLE["unencodable"])
def test_without_escaping_a_text_cannot_be_printed_at_all(title: str) -> None:
    with pytest.raises(UnicodeEncodeError):
        TEXTS[title].encode("utf-8")


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_is_escaped_is_not_escaped_again(text: str) -> None:
    assert visible(visible(text)) == visible(text)


def test_every_character_that_is_not_plain_is_escaped() -> None:
    left = visible("".join(map(chr, [*range(0x20000), *range(0xE0000, 0xE0200), 0xF0000, sys.maxunicode])))
    assert left.isprintable()
    assert not set("\u200b\u200f\u202e\u2066\u0301\u05d0\u0661\u3164\u2028\ufeff\U000e0041\U000f0000") & set(left)
    assert {"é", "中", "⁻", "€", "\\", "[", "$"} <= set(left)


def test_a_byte_and_a_control_character_look_different() -> None:
    assert [visible(text) for text in ("\x9b", "\udc9b", "\x1b", "\x7f", "\n", "\xa0", "\ud800")] == [
        "\\u009b", "\\x9b", "\\x1b", "\\x7f", "\\n", "\\u00a0", "\\ud800",
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_terminal_that_lacks_a_letter_gets_it_escaped(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path("screen")
    with path.open("w", encoding=encoding) as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        say("quality in 10⁻⁶", "中.claim")
    assert path.read_text(encoding) == "quality in 10\\u207b\\u2076\n\\u4e2d.claim\n"


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_json_loses_nothing_and_is_one_line(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    say(json_text({"detail": text, text: 1}))
    out = capsys.readouterr().out
    assert json.loads(out) == {"detail": text, text: 1}
    assert out.count("\n") == 1
    assert out[:-1].isascii()
    assert out[:-1].isprintable()


def test_progress_shows_names_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path("screen")
    with path.open("w", encoding="utf-8") as stream:
        console = Console(file=stream, force_terminal=True, width=300, color_system=None)
        monkeypatch.setattr("rich.console.Console", lambda stderr: console)
        for each in (sys.stdout, sys.stderr):
            monkeypatch.setattr(each, "isatty", lambda: True, raising=False)
        for text in ("[red]a[/red]", "[/]", "\x1b]0;owned\x07", "a\nb: accepted", ":boom:", "\udcff"):
            with Progress(text, 2) as bar:
                bar.begin(text)
                assert bar._display is not None
                bar._display.refresh()
                bar.echo(f"{text}.claim: rejected")
    screen = shown(path.read_text("utf-8"))
    assert screen.title == ""
    assert [line.rstrip() for line in screen.display if "rejected" in line] == [
        "[red]a[/red].claim: rejected", "[/].claim: rejected", "\\x1b]0;owned\\x07.claim: rejected",
        "a\\nb: accepted.claim: rejected", ":boom:.claim: rejected", "\\xff.claim: rejected",
    ]  # fmt: skip


# -- commands over hostile names and records ---------------------------------------------------------------------


COMMANDS = [
    ("inspect",), ("verify", "--isolation", "none"), ("dispute",), ("plot",), ("c006", "audit"), ("c006", "evaluate"),
    ("c006", "export"), ("verify-proof", "--beacon", "b"), ("verify", "x", "--signer"), ("no-such-command",),
    ("keygen",),
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("command", COMMANDS[:1], ids=" ".join)
def test_each_hostile_name_is_one_line_of_a_command(name: str, command: tuple[str, ...], call: Call) -> None:
    require_one_line(call(*command, junk(name)))


@pytest.mark.parametrize("command", COMMANDS[1:], ids=" ".join)
def test_the_worst_of_names_is_one_line_of_each_command(command: tuple[str, ...], call: Call) -> None:
    require_one_line(call(*command, junk("[red]x[.red]\nforged: accepted\x1b[2J\u202e\udcff")))


def junk(name: str) -> str:
    Path(name).write_bytes(b"no file of tig-verify")
    return name


def require_one_line(ended: Ended) -> None:
    told = require_only(ended.err) + require_only(ended.out)
    assert ended.code in (1, 2)
    assert "Traceback" not in ended.err
    assert not [line for line in told if line.startswith("forged")]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_inspect_shows_a_hostile_record_in_lines_of_its_own(text: str, call: Call) -> None:
    detail = text.encode("utf-8", "backslashreplace").decode()
    honest, hostile = Path("honest.verdict"), Path("hostile.verdict")
    write(honest, sample_records.verdict(detail="x"))
    write(hostile, sample_records.verdict(detail=detail))
    ended = call("inspect", honest, hostile)
    lines = require_only(ended.out)
    assert (ended.code, ended.err, len(lines) % 2) == (0, "", 0)
    half = len(lines) // 2
    assert [line.partition(":")[0] for line in lines[half + 1 :]] == [line.partition(":")[0] for line in lines[1:half]]
    (found,) = [json.loads(line) for line in call("inspect", "--json", hostile).out.splitlines()]
    assert found["detail"] == detail


def test_inspect_shows_hostile_keys_and_values_of_a_claim_in_lines_of_their_own(call: Call) -> None:
    honest = sample_records.claim(run={"a": "b"}, hyperparameters={"name": "x"})
    hostile = sample_records.claim(
        run={"a\n  quality: 1000000": "\x1b[2J"}, hyperparameters={"name": "\r\x1b[1Aforged"}
    )
    expected, found = (require_only(call("inspect", write(Path("x.claim"), each)).out) for each in (honest, hostile))
    assert len(found) == len(expected)
    assert [line for line in found if "1000000" in line] == ["    a\\n  quality: 1000000: \\x1b[2J"]


def test_a_traceback_of_ours_cannot_be_forged(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: Path) -> None:
        raise RuntimeError(f"{path}\nx.claim: accepted\x1b[2J")

    monkeypatch.setattr("verifier.command_line.commands.inspect._describe", broken)
    ended = call("inspect", "x")
    lines = require_only(ended.err)
    assert ended.code == 3
    assert [line for line in lines if not line.startswith("  ")] == [
        "tig-verify: internal error: this is a bug of tig-verify, not a verdict"
    ]


# -- what is opened ----------------------------------------------------------------------------------------------


@pytest.fixture
def pipe() -> Path:
    os.mkfifo("pipe")
    return Path("pipe")


@pytest.fixture
def bound() -> Iterator[Path]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        yield Path("socket")


def irregular(kind: str, path: Path) -> Path:
    """Something that is no regular file under that name."""
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "dangling":
        path.symlink_to("nowhere")
    elif kind == "cycle":
        path.symlink_to(path.name)
    elif kind == "below a file":
        Path("file").write_bytes(b"")
        path.symlink_to("file/x")
    else:
        path.symlink_to(f"/dev/{kind}")
    return path


KINDS = ("pipe", "folder", "dangling", "cycle", "below a file", "zero", "tty", "stdin")
READERS: dict[str, Callable[[Path], object]] = {
    "file": read_file,
    "public key": VerifyKey.load,
    "private key": SigningKey.load,
    "rows": lambda path: read_rows(path, FORMAT),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_nothing_but_a_regular_file_is_read(kind: str, reader: Callable[[Path], object]) -> None:
    path = irregular(kind, Path("x"))
    with pytest.raises(Exception, match=r"^x: ") as refused:
        reader(path)
    assert type(refused.value).__name__ in ("InputError", "KeyFileError")


def test_a_socket_is_refused(bound: Path) -> None:
    with pytest.raises(InputError, match=r"^socket: is a socket; name an ordinary file$"):
        read_file(bound)


def test_a_name_that_is_too_long_is_refused() -> None:
    with pytest.raises(InputError, match="File name too long"):
        read_file(Path("x" * 300))


def test_a_device_is_not_opened_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "open", lambda *arguments: pytest.fail("opened"))
    with pytest.raises(InputError, match=r"^/dev/zero: is a device; name an ordinary file$"):
        read_file(Path("/dev/zero"))


def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the name were exchanged after the first look."""
    ordinary = os.stat(__file__)
    monkeypatch.setattr(os, "stat", lambda path: ordinary)


@pytest.mark.parametrize("kind", ["pipe", "folder", "zero", "null"])
def test_without_the_first_look_the_second_one_refuses(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = irregular(kind, Path("x"))
    before = set(os.listdir("/proc/self/fd"))
    with monkeypatch.context() as patched:
        blind(patched)
        with pytest.raises(InputError, match=r"^x: is a"):
            read_file(path)
    assert set(os.listdir("/proc/self/fd")) == before


def test_without_any_look_a_pipe_still_stops_nobody(pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regular_file, "_require_regular", lambda path, found: None)
    assert read_regular(pipe, 10) == b""
    monkeypatch.setattr(regular_file, "_require_regular", lambda path, found: None)
    assert len(read_regular(Path("/dev/zero"), 10)) == 11


def test_a_sparse_file_is_refused_by_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("huge").open("wb") as file:
        file.truncate(1 << 36)
    with pytest.raises(InputError, match="is larger than"):
        read_file(Path("huge"))


def test_a_file_that_grows_is_read_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("x").write_bytes(b"a")
    monkeypatch.setattr(os, "read", lambda descriptor, size: bytes(min(size, 7)))
    assert len(read_regular(Path("x"), 100)) == 101


def test_a_descriptor_waits_for_nothing_and_is_not_inherited() -> None:
    Path("x").write_bytes(b"a")
    descriptor = open_regular(Path("x"))
    try:
        assert not os.get_inheritable(descriptor)
        assert not os.get_blocking(descriptor)
    finally:
        os.close(descriptor)


def test_a_private_file_behind_a_link_is_not_shown(call: Call) -> None:
    secret = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU"
    Path("id").write_text(f"-----BEGIN OPENSSH PRIVATE KEY-----\n{secret}\n")
    write(Path("x.claim"), sample_records.claim())
    for suffix in ("solution", "transcript"):
        Path(f"x.{suffix}").symlink_to("id")
    for words in (
        "verify x.claim", "dispute x.claim x.claim", "inspect x.solution", "c006 audit id", "c006 evaluate id",
        "verify x.claim --signer id",
    ):  # fmt: skip
        ended = call(*words.split())
        assert ended.code in (1, 2)
        assert secret[:8] not in ended.out + ended.err


# -- one bad file among good ones --------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["claim", "solution"])
@pytest.mark.parametrize("kind", ["pipe", "folder", "cycle", "zero"])
def test_one_bad_file_costs_its_own_verdict_alone(kind: str, suffix: str, call: Call) -> None:
    paths = [write_claim(Path(f"{name}.claim")) for name in "abc"]
    spoilt = paths[1].with_suffix(f".{suffix}")
    spoilt.unlink()
    irregular(kind, spoilt)
    ended = call("verify", "--json", *paths)
    lines = [json.loads(line) for line in ended.out.splitlines()]
    assert [line["file"] for line in lines] == ["a.claim", "b.claim", "c.claim"]
    assert [line["outcome"] is None for line in lines] == [False, True, False]
    assert ended.err.startswith(f"tig-verify: {spoilt}: ")
    assert lines[1]["detail"] == ended.err.split("\n")[0].removeprefix("tig-verify: ")


@pytest.mark.parametrize("kind", KINDS)
def test_inspect_shows_the_files_after_a_bad_one(kind: str, call: Call) -> None:
    good = write(Path("good.claim"), sample_records.claim())
    ended = call("inspect", "--json", irregular(kind, Path("bad")), good)
    bad, shown = map(json.loads, ended.out.splitlines())
    assert (ended.code, bad["file"], bad["type"], shown["file"]) == (2, "bad", None, "good.claim")


@pytest.mark.parametrize("kind", ["folder", "pipe", "dangling", "null"])
def test_a_verdict_that_cannot_be_written_stops_no_other(kind: str, call: Call) -> None:
    paths = [write_claim(Path(f"{name}.claim")) for name in "abc"]
    KEY.save(Path("key.pem"))
    irregular(kind, Path("b.verdict"))
    ended = call("verify", "--json", "--key", "key.pem", *paths)
    assert [json.loads(line)["file"] for line in ended.out.splitlines()] == ["a.claim", "b.claim", "c.claim"]
    assert ended.err.startswith("tig-verify: b.verdict: cannot be written: ")
    assert [Path(f"{name}.verdict").is_file() for name in "ac"] == [True, True]


# -- what is written ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_but_a_regular_file_is_replaced(kind: str) -> None:
    path = irregular(kind, Path("x"))
    before = os.lstat(path)
    with pytest.raises(InputError, match=r"^x: cannot be written: is a"):
        write_file(path, b"data")
    assert os.lstat(path) == before
    assert not Path("nowhere").exists()
    assert not list(Path().glob(".tig-verify-*"))


@pytest.mark.parametrize("kind", ["dangling", "cycle"])
def test_without_the_look_a_link_is_replaced_and_not_followed(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verifier.command_line.files.require_replaceable", lambda path: None)
    path = irregular(kind, Path("x"))
    write_file(path, b"data")
    assert stat.S_ISREG(os.lstat(path).st_mode)
    assert not Path("nowhere").exists()


def test_a_link_to_nowhere_is_not_new() -> None:
    with pytest.raises(InputError, match=r"^x: exists; "):
        require_new(irregular("dangling", Path("x")))


def test_a_name_as_long_as_names_may_be_is_written() -> None:
    path = Path("x" * 255)
    write_file(path, b"data")
    assert path.read_bytes() == b"data"


def test_a_results_table_is_no_pipe(pipe: Path) -> None:
    with pytest.raises(InputError, match=r"^pipe: is no ordinary file; name another one$"):
        ResultsTable(pipe, FORMAT)


def test_a_results_table_without_the_first_look_is_no_pipe(pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blind(monkeypatch)
    with pytest.raises(InputError, match=r"^pipe: is no ordinary file; name another one$"):
        ResultsTable(pipe, FORMAT)


@pytest.mark.parametrize("table", [Path("link"), Path("/proc/self/mem")])
def test_a_results_table_is_made_nowhere_else_and_a_fault_is_named(table: Path) -> None:
    irregular("dangling", Path("link"))
    with pytest.raises(
        InputError, match=f"^{table}: (is no ordinary file|cannot be written: Input/output error); name"
    ):
        ResultsTable(table, FORMAT)
    assert not Path("nowhere").exists()


def test_a_link_to_nowhere_without_the_look_gets_no_line_of_another_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regular_file, "require_replaceable", lambda path: None)
    irregular("dangling", Path("link"))
    with ResultsTable(Path("link"), FORMAT):
        assert Path("nowhere").read_bytes() == b""
    Path("nowhere").write_bytes(b"export PATH\n")
    with pytest.raises(InputError, match="line 1 is none that verify writes"):
        ResultsTable(Path("link"), FORMAT)


@pytest.mark.parametrize(
    "words",
    ["plot .", "plot /", "verify .", "respond . . --key .", "dispute . .", "c006 import . . --key .", "inspect /",
     "c006 export /"],
)  # fmt: skip
def test_dot_and_slash_are_folders(words: str, call: Call) -> None:
    ended = call(*words.split())
    assert ended.code == 2
    assert "is a folder" in ended.err
    assert "Traceback" not in ended.err


# -- the one owner -----------------------------------------------------------------------------------------------

PRINTERS = {"click.echo", "click.secho", "print", "json.dumps", "sys.stdout.write", "sys.stderr.write",
            "traceback.print_exc"}  # fmt: skip
OPENERS = {"open", "path.open", "os.open", "io.open", ".read_bytes", ".read_text", ".write_bytes", ".write_text",
           ".NamedTemporaryFile", "os.mkfifo"}  # fmt: skip
OWNERS = {
    "protocol/canonical_msgpack.py",  # reads from memory
    "protocol/regular_file.py",  # opens
    "protocol/keys.py",  # creates, with O_EXCL
    "arithmetic/compiled/kernel_cache.py",  # its own sources, and in a folder of its own
    "arithmetic/compiled/compilation.py",  # writes there
    "verifier/challenge/guarded_import.py",  # the working folder, as a folder
    "verifier/challenge/versions.py",  # the package's sources
    "verifier/report/html.py",  # the package's template
    "verifier/command_line/commands/init.py",  # the package's template
    "verifier/command_line/folder_lock.py",  # a folder, as a folder
    "verifier/command_line/main.py",  # the null device
    "verifier/machine/proc_files.py",  # files of the kernel's
    "verifier/machine/known_training.py",  # a file of the package's
    "verifier/verification/self_audit.py",  # in a folder of its own
    "verifier/command_line/files.py",  # writes to a new file
}


def calls(path: Path) -> set[str]:
    """The functions that a module calls, by the text of their names."""
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    names = {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}
    return names | {f".{name.rpartition('.')[2]}" for name in names if "." in name}


def test_only_the_owner_prints() -> None:
    files = sorted((ROOT / "verifier" / "command_line").rglob("*.py"))
    offences = {path.name: calls(path) & PRINTERS for path in files if path.name != "terminal.py"}
    assert {name: found for name, found in offences.items() if found} == {}


def test_only_the_owner_opens() -> None:
    files = [path for name in ("protocol", "arithmetic", "verifier") for path in sorted((ROOT / name).rglob("*.py"))]
    offences = {str(path.relative_to(ROOT)) for path in files if calls(path) & OPENERS}
    assert offences == OWNERS
