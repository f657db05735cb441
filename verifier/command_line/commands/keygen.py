"""`tig-verify keygen`."""

from __future__ import annotations

from pathlib import Path

import click

from protocol.keys import SigningKey
from verifier.command_line.terminal import say


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--passphrase", is_flag=True, help="Ask for a passphrase and encrypt the key with it.")
def keygen(file: Path, passphrase: bool) -> None:
    """Create an Ed25519 key: FILE (private, mode 0600) and FILE.pub.

    Neither file is ever overwritten.

    \b
    Example: tig-verify keygen key.pem
    """
    secret = None
    if passphrase:
        secret = click.prompt("Passphrase", hide_input=True, confirmation_prompt=True, err=True).encode()
    key = SigningKey.generate()
    key.save(file, secret)
    public = file.with_name(file.name + ".pub")
    try:
        key.verify_key.save(public)
    except BaseException:
        file.unlink()  # half a pair is no pair
        raise
    say(f"private key  {file}", f"public key   {public}", f"fingerprint  {key.verify_key.fingerprint}")
