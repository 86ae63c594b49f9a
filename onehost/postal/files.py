"""The files that an import is given: `postal.yml`, and the signing key."""

from __future__ import annotations

import base64
from pathlib import Path

import yaml
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from chalicelib.domain.errors import PermanentFailure
from chalicelib.domain.postal.config import PostalConfig, read_config
from chalicelib.domain.postal.domains import PublicKey

LARGEST = 1_048_576
FEWEST_BITS = 1_024
LONGEST_KEY = 65_536


def config_of(path: Path | None) -> PostalConfig:
    """What a file says; Postal's defaults without one."""
    if path is None:
        return read_config({})
    data = _content(path)
    try:
        return read_config(yaml.safe_load(data))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as wrong:
        raise PermanentFailure(f"{path} cannot be read as YAML") from wrong


def signing_key_of(path: Path) -> PublicKey:
    """The installation's RSA key."""
    found = rsa_key(_content(path))
    if found is None:
        raise PermanentFailure(f"{path} is no RSA key of {FEWEST_BITS} bits or more in PEM")
    return found


def rsa_key(pem: bytes | str | None) -> PublicKey | None:
    """The halves of an RSA key in PEM, of any size that signatures may have; None for what is none."""
    data = pem.encode("ascii", "replace") if isinstance(pem, str) else pem
    if not data or len(data) > LONGEST_KEY:
        return None
    try:
        key = load_pem_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if not isinstance(key, RSAPrivateKey) or key.key_size < FEWEST_BITS:
        return None
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return PublicKey(base64.b64encode(public).decode(), private)


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise PermanentFailure(f"{path} is larger than {LARGEST:,} bytes")
    return data
