"""TLS for the gateway's listeners: the server context, and a self-signed certificate when none was given.

TLS 1.2 is the oldest version spoken. The self-signed pair is for trying Posthorn out: it is made once, kept in the
state folder with mode 600 and used again; clients that verify certificates will refuse it.
"""

from __future__ import annotations

import datetime
import os
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.configuration import Configuration
from gateway.journal import Journal

VALID_DAYS = 3_650


def server_context(
    configuration: Configuration, hostname: str, now: float, journal: Journal
) -> ssl.SSLContext:
    """The context of every listener. OSError or ssl.SSLError when the given files cannot be used."""
    if configuration.tls_certificate:
        certificate, key = Path(configuration.tls_certificate), Path(configuration.tls_key)
    else:
        certificate, key = _self_signed(Path(configuration.state), hostname, now, journal)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.load_cert_chain(certificate, key)
    return context


def _self_signed(folder: Path, hostname: str, now: float, journal: Journal) -> tuple[Path, Path]:
    certificate, key = folder / "gateway-certificate.pem", folder / "gateway-key.pem"
    if certificate.is_file() and key.is_file():
        return certificate, key
    folder.mkdir(parents=True, exist_ok=True)
    made, private = make_pair(hostname, now)
    _write(key, private)
    _write(certificate, made)
    journal.event("self_signed_certificate", file=str(certificate))
    return certificate, key


def make_pair(hostname: str, now: float) -> tuple[bytes, bytes]:
    """A self-signed certificate and its private key, as PEM."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hostname[:64])])
    start = datetime.datetime.fromtimestamp(now, datetime.UTC) - datetime.timedelta(days=1)
    names = dict.fromkeys((hostname, "localhost"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    encoded = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return made.public_bytes(serialization.Encoding.PEM), encoded


def _write(path: Path, content: bytes) -> None:
    """Write whole or not at all, readable by us alone."""
    draft = path.with_suffix(f".{os.getpid()}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    draft.replace(path)
