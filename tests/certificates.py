"""A certificate and its key in two files, as an ACME client keeps and replaces them, and what a server shows of it."""

from __future__ import annotations

import datetime
import hashlib
import secrets
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

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
        end = b"-----END CERTIFICATE-----"
        first = self.certificate.partition(end)[0] + end + b"\n"
        return fingerprint(ssl.PEM_cert_to_DER_cert(first.decode()))


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


def of_no_version(pair: Pair) -> Pair:
    """The same with a version that X.509 does not have: TLS is spoken with it all the same."""
    der = ssl.PEM_cert_to_DER_cert(pair.certificate.decode())
    strange = der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x03", 1)
    assert strange != der
    return Pair(ssl.DER_cert_to_PEM_cert(strange).encode(), pair.key)


def fingerprint(der: bytes | None) -> str:
    """SHA-256 of a certificate that a server has shown."""
    assert der is not None
    return hashlib.sha256(der).hexdigest()


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _signed(  # what stands in a certificate
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    by: ec.EllipticCurvePrivateKey,
    made_at: float,
    days: int,
    *,
    ca: bool = False,
    names: tuple[str, ...] = (),
) -> x509.Certificate:
    start = datetime.datetime.fromtimestamp(made_at, datetime.UTC)
    subjects = x509.SubjectAlternativeName([x509.DNSName(name) for name in names or (subject,)])
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=days))
        .add_extension(subjects, critical=False)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(by, hashes.SHA256())
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


@dataclass(frozen=True, slots=True)
class Authority:
    """A root, and an authority between it and those whom it vouches for, as public ones have it."""

    _name: str = field(default_factory=lambda: f"Root {secrets.token_hex(4)}")
    _root: ec.EllipticCurvePrivateKey = field(default_factory=_new_key)
    _between: ec.EllipticCurvePrivateKey = field(default_factory=_new_key)

    @property
    def root(self) -> bytes:
        """What clients trust."""
        return _pem(self._own(self._name, self._root))

    def pair(self, *names: str, made_at: float, days: int = 90) -> Pair:
        """A chain of a leaf and the authority between, and its key."""
        key, between = _new_key(), f"Below {self._name}"
        leaf = _signed(names[0], key, between, self._between, made_at, days, names=names)
        return Pair(_pem(leaf) + _pem(self._own(between, self._between)), _key_pem(key))

    def _own(self, name: str, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
        return _signed(name, key, self._name, self._root, 0, 36_500, ca=True)
