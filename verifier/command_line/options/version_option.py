"""The option `--version`: what is installed, and what of it the toolkit can do here."""

from __future__ import annotations

import re
from typing import Final

import click

from verifier.command_line.terminal import say

_DISTRIBUTION: Final = "tig-verify"
_FOR_DEVELOPERS: Final = frozenset(("dev", "docs", "test-extras"))
_REQUIREMENT: Final = re.compile(r"""([\w.-]+).*; extra == ['"]([\w-]+)['"]""")


def _print(context: click.Context, _: click.Parameter, is_given: bool) -> None:
    if is_given and not context.resilient_parsing:
        say(*lines())
        context.exit()


def lines() -> list[str]:
    """The text of the option: versions, the engine that trains, the extras."""
    from verifier.challenge.versions import SPECIFICATION, versions

    found = versions()
    computes = [f"{name} {found[name]}" for name in ("python", "numpy", "torch")]
    numba = _version("numba")
    engine = f"compiled by numba {numba}" if numba else "NumPy's operations, three times as slow as compiled by numba"
    return [
        f"tig-verify {found[_DISTRIBUTION]}, specification {SPECIFICATION}",
        f"{', '.join(computes)}, {found['machine']}",
        f"network: {engine}",
        *(_extra(name, needed) for name, needed in _extras().items()),
    ]


def _extra(name: str, needed: list[str]) -> str:
    missing = [library for library in needed if _version(library) is None]
    state = f"not installed: pip install '{_DISTRIBUTION}[{name}]'" if missing else "installed"
    return f"extra {name}: {state}"


def _extras() -> dict[str, list[str]]:
    """The libraries of each extra for users, as the installed metadata have them."""
    from importlib import metadata

    found: dict[str, list[str]] = {}
    for requirement in metadata.requires(_DISTRIBUTION) or ():
        match = _REQUIREMENT.match(requirement)
        if match and match[2] not in _FOR_DEVELOPERS:
            found.setdefault(match[2], []).append(match[1])
    return found


def _version(library: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None


version_option: Final = click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print,
    help="Show versions and extras, and exit.",
)
