"""The options for whose claims a validator takes: one public key, or a folder of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import click

from protocol.keys import VerifyKey
from verifier.challenge.errors import InputError
from verifier.command_line.options.option_groups import option_group


def _signers(signer: Path | None, signers: Path | None) -> tuple[bytes, ...]:
    """The public keys, ascending; none for anybody. Raises InputError, or KeyFileError for a file that is no key."""
    if signer is not None and signers is not None:
        raise InputError("--signer and --signers: give one of them, a key or a folder of keys")
    if signers is None:
        return () if signer is None else (VerifyKey.load(signer).raw,)
    try:
        names = sorted(name for name in os.listdir(signers) if not name.startswith("."))
    except OSError as error:
        raise InputError(f"--signers: {signers}: {error.strerror}; name a folder of public keys") from None
    if not names:
        raise InputError(f"--signers: {signers}: is empty, so nobody could have signed; put public keys into it")
    return tuple(sorted({VerifyKey.load(signers / name).raw for name in names}))


signer_options: Final = option_group(
    "signers",
    _signers,
    click.option("--signer", type=click.Path(path_type=Path), help="Public key that must have signed."),
    click.option("--signers", type=click.Path(path_type=Path), metavar="FOLDER",
                 help="Folder of public keys, of which one must have signed; every file in it is one."),
)  # fmt: skip
