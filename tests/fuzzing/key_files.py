"""Files of test keys, in every form that is read, and mutants of them."""

from __future__ import annotations

import base64
import re
from random import Random
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import SigningKey
from tests.fuzzing.byte_mutations import mutate

TEST_KEY: Final = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
PASSPHRASE: Final = b"secret"
LOCKED_OPENSSH: Final = b"""\
-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABAetnwSWz
hSK0EF3gMfc783AAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAICGOeaI4kioCnNQx
uslV7rrrhkSmYASy60ByXGs8a4sRAAAAkLZdvN7/wwIpDKQ+cvquYUCN5vWaTmDyF4Ousl
k5KecClcHvh81+rDfzEi5W8D7neUdu5Arc+kLnaNZoGuy+vHH9zdzCGhYVkrV6L5BPdQUm
5YDo5aw+7KvzyQtixkCd2zvsx3S6fuCCmL7z0nttEM7aBgAuJfX+lZZUT3f598tX3Aele5
18WSfwNsQEtL1pGw==
-----END OPENSSH PRIVATE KEY-----
"""
KEY_FILES: Final = (
    b"""\
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7
-----END PRIVATE KEY-----
""",
    b"""\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGjMF8GCSqGSIb3DQEFDTBSMDEGCSqGSIb3DQEFDDAkBBCNuXjhB3pHMoRfp2Vm
emsqAgIIADAMBggqhkiG9w0CCQUAMB0GCWCGSAFlAwQBKgQQRlGAemZVYZvFRIZ5
NcwdrARAO99StCkpZI8+NAjLGOdAgaZpzbNwWkahrbNJzfiNbdULLP4RQrJOQIDn
v61GM7mavy/eZJhnG+SCNrmF+iWfdw==
-----END ENCRYPTED PRIVATE KEY-----
""",
    b"""\
-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz
c2gtZWQyNTUxOQAAACA9QBfD6EOJWpK3CqdNG368nJgszy7ElozAzVXxKvRmDAAA
AIhfnPrlX5z65QAAAAtzc2gtZWQyNTUxOQAAACA9QBfD6EOJWpK3CqdNG368nJgs
zy7ElozAzVXxKvRmDAAAAEBMzQibKP+W2p22w0bsEU4PW4oxnzWrpiTajPbtT7im
+z1AF8PoQ4lakrcKp00bfrycmCzPLsSWjMDNVfEq9GYMAAAAAAECAwQF
-----END OPENSSH PRIVATE KEY-----
""",
    LOCKED_OPENSSH,
    b"""\
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=
-----END PUBLIC KEY-----
""",
    b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAID1AF8PoQ4lakrcKp00bfrycmCzPLsSWjMDNVfEq9GYM someone@somewhere\n",
)
_BASE64: Final = re.compile(rb"(?<=[-\s])[A-Za-z0-9+/\n]{40,}=*")


def key_file(random: Random) -> bytes:
    """A key file whose text, or the bytes that its base64 stands for, has been changed."""
    text, other = random.choice(KEY_FILES), random.choice(KEY_FILES)
    body = _BASE64.search(text)
    if body is None or random.random() < 0.3:
        return mutate(text, other, random)
    inside = mutate(base64.b64decode(body.group().strip()), b"\x30\x82\x02\x01\x04\x20\x80\xff", random)
    return text[: body.start()] + b"\n"[text.startswith(b"ssh-") :] + base64.b64encode(inside) + text[body.end() :]
