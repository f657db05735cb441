"""A call of `tig-verify` in this process, for tests on the small edition."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

import verifier.command_line.options.choice_options  # noqa: F401 - the choices are made before a test adds an edition
from verifier.command_line.main import main


@dataclass(frozen=True)
class Ended:
    """How a call ended."""

    code: int
    out: str
    err: str

    @property
    def summary(self) -> str:
        """What `verify` counts at its end, on standard error."""
        counted = "[0-9,]+ (?:accepted|rejected|undetermined|without verdict)|nothing judged"
        (found,) = re.findall(f"^tig-verify: ((?:{counted}).*)$", self.err, re.MULTILINE)
        return str(found)


def called(capsys: pytest.CaptureFixture[str], *arguments: object) -> Ended:
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    assert isinstance(end.value.code, int)
    return Ended(end.value.code, captured.out, captured.err)
