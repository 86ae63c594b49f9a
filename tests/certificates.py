"""A certificate and its key in two files, as an ACME client keeps and replaces them, and what a server shows of it."""

from __future__ import annotations

import hashlib
import ssl
from dataclasses import dataclass
from pathlib import Path

from gateway.tls import make_pair

NOW = 1_800_000_000.0


@dataclass(frozen=True, slots=True)
class Pair:
    """PEM texts that belong together."""

    certificate: bytes
    key: bytes

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate."""
        return fingerprint(ssl.PEM_cert_to_DER_cert(self.certificate.decode()))


@dataclass(frozen=True, slots=True)
class PairFiles:
    """Where they lie."""

    folder: Path

    @property
    def certificate(self) -> Path:
        return self.folder / "certificate.pem"

    @property
    def key(self) -> Path:
        return self.folder / "key.pem"

    def replace(self, pair: Pair) -> None:
        """Put both in place, each by renaming."""
        for path, text in ((self.certificate, pair.certificate), (self.key, pair.key)):
            draft = path.with_suffix(".new")
            draft.write_bytes(text)
            draft.replace(path)


def new_pair(name: str = "mail.acme-host.test") -> Pair:
    """A self-signed pair, another each time."""
    return Pair(*make_pair(name, NOW))


def fingerprint(der: bytes | None) -> str:
    """SHA-256 of a certificate that a server has shown."""
    assert der is not None
    return hashlib.sha256(der).hexdigest()
