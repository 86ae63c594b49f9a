"""TLS for the gateway's listeners: the certificate as its files are, and a self-signed one when none was given.

TLS 1.2 is the oldest version spoken. Files that change are loaded again: connections that begin afterwards have the new
certificate, those that are open keep theirs. One that is not valid now is taken only where the one in use is no better:
mail servers do not look, and with none at all nobody could encrypt. The self-signed pair is for trying Posthorn out,
and where asked stands in for files that a start cannot use. It is made once, kept in the state folder with mode 600 and
used again; clients that verify certificates will refuse it.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import os
import ssl
import stat
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.configuration import Configuration
from gateway.journal import Journal

VALID_DAYS = 3_650
LOOK_SECONDS = 60.0
Marks = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Times:
    """When a certificate is valid."""

    since: datetime.datetime
    until: datetime.datetime

    def have(self, now: float) -> bool:
        """Whether it is at this moment, in epoch seconds."""
        return self.since.timestamp() <= now < self.until.timestamp()


# Of a certificate that stands in for another: whatever can be used is better.
_NEVER = Times(*2 * (datetime.datetime.fromtimestamp(0, datetime.UTC),))


class ServerCertificate:
    """The certificate of every listener; `context` is for connections that begin. A pair that cannot be used, because
    it is written at this moment or does not belong together, leaves the one before in use and is tried again."""

    def __init__(
        self,
        certificate: Path,
        key: Path,
        journal: Journal,
        now: Callable[[], float],
        stand_in: Callable[[], tuple[Path, Path]] | None = None,
    ) -> None:
        """`now` gives epoch seconds, `stand_in` the files to use until these can be; ValueError when they cannot, and
        there is none."""
        self._files = certificate, key
        self._journal = journal
        self._now = now
        self._marks = self._found()
        self._failure = ""
        try:
            self.context, self._times = _context(certificate, key), _times(certificate)
        except ValueError as error:
            if stand_in is None:
                raise
            self._failure = str(error)
            journal.event("certificate_stands_in", error=self._failure)
            self.context, self._times = _context(*stand_in()), _NEVER

    async def watch(self) -> None:
        """Look at the files each minute, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()

    def look(self) -> None:
        """Load the files if they have changed, or could not be used before."""
        marks = self._found()
        if marks != self._marks or self._failure:
            self._load(marks)

    def reload(self) -> None:
        """Load the files, and say how that went."""
        self._failure = ""
        self._load(self._found(), asked=True)

    def _load(self, marks: Marks, *, asked: bool = False) -> None:
        try:
            context, times = _context(*self._files), _times(self._files[0])
            self._check(times)
        except ValueError as error:
            failure = str(error)
            if asked or (marks, failure) != (self._marks, self._failure):
                self._journal.event("certificate_refused", error=failure)
            self._failure = failure
        else:
            self._journal.event("certificate_loaded", file=str(self._files[0]))
            self._failure = ""
            self.context, self._times = context, times
        self._marks = marks

    def _check(self, times: Times) -> None:
        """ValueError for a certificate that is not valid now, while the one in use is."""
        now = self._now()
        if times.have(now) or not self._times.have(now):
            return
        what = (
            f"ended on {times.until:%Y-%m-%d}"
            if now >= times.until.timestamp()
            else "is not valid yet"
        )
        raise ValueError(f"{self._files[0]} cannot be used: it {what}")

    def _found(self) -> Marks:
        return tuple(_mark(file) for file in self._files)


def server_certificate(
    configuration: Configuration,
    hostname: str,
    now: Callable[[], float],
    journal: Journal,
    *,
    stand_in: bool = False,
) -> ServerCertificate:
    """That of the configuration. ValueError when the given files cannot be used and the self-signed pair is not to
    stand in for them, OSError when none can be made."""

    def own() -> tuple[Path, Path]:
        return _self_signed(Path(configuration.state), hostname, now(), journal)

    if not configuration.tls_certificate:
        return ServerCertificate(*own(), journal, now)
    files = Path(configuration.tls_certificate), Path(configuration.tls_key)
    return ServerCertificate(*files, journal, now, own if stand_in else None)


def check_regular(*files: Path) -> None:
    """ValueError for what is there and is no regular file: reading a pipe would wait for whoever writes, and everybody
    with it."""
    for file in files:
        with contextlib.suppress(OSError):
            if not stat.S_ISREG(file.stat().st_mode):
                raise ValueError(f"{file} is no regular file")


def _context(certificate: Path, key: Path) -> ssl.SSLContext:
    check_regular(certificate, key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    try:
        # Without a password OpenSSL would ask whoever sits at the terminal, and everybody would wait.
        context.load_cert_chain(certificate, key, password="")
    except OSError as error:
        names = f"{certificate} and {key}"
        raise ValueError(
            f"{names} cannot be used as a certificate and its key: {_reason(error)}"
        ) from error
    return context


def _times(certificate: Path) -> Times:
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
    except (OSError, ValueError, x509.InvalidVersion) as error:
        raise ValueError(f"{certificate} cannot be read as a certificate") from error
    return Times(found.not_valid_before_utc, found.not_valid_after_utc)


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no whole PEM text").replace("_", " ").lower()
    return (error.strerror or str(error)).lower()


def _mark(file: Path) -> tuple[int, ...]:
    """What differs when a file was written or replaced; empty while it cannot be looked at."""
    try:
        found = file.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _self_signed(folder: Path, hostname: str, now: float, journal: Journal) -> tuple[Path, Path]:
    """The pair of the folder, made where there is none that can be used. Processes that start at once make it of one
    key, that of the first."""
    certificate, key = folder / "gateway-certificate.pem", folder / "gateway-key.pem"
    try:
        _context(certificate, key)
    except ValueError:
        folder.mkdir(parents=True, exist_ok=True)
        _write(certificate, _certificate(_own_key(key), hostname, now))
        journal.event("self_signed_certificate", file=str(certificate))
    return certificate, key


def _own_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The key of the file; a new one where there is none, or what is there is no key of ours."""
    for _ in range(2):
        try:
            found = serialization.load_pem_private_key(path.read_bytes(), None)
            if isinstance(found, ec.EllipticCurvePrivateKey):
                return found
            path.unlink(missing_ok=True)
        except FileNotFoundError:
            pass  # and whatever is there by now is that of another process
        except (ValueError, TypeError, UnsupportedAlgorithm):
            path.unlink(missing_ok=True)
        with contextlib.suppress(FileExistsError):
            _write(path, _encoded(ec.generate_private_key(ec.SECP256R1())), first=True)
    raise OSError(f"{path} cannot be made")


def make_pair(hostname: str, now: float) -> tuple[bytes, bytes]:
    """A self-signed certificate and its private key, as PEM."""
    private = ec.generate_private_key(ec.SECP256R1())
    return _certificate(private, hostname, now), _encoded(private)


def _certificate(private: ec.EllipticCurvePrivateKey, hostname: str, now: float) -> bytes:
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
    return made.public_bytes(serialization.Encoding.PEM)


def _encoded(private: ec.EllipticCurvePrivateKey) -> bytes:
    return private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write(path: Path, content: bytes, *, first: bool = False) -> None:
    """Write whole or not at all, readable by us alone. FileExistsError where `first` is asked for, and something is
    there."""
    draft = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    try:
        if first:
            os.link(draft, path)
    except FileExistsError:
        draft.unlink()
        raise
    except OSError:  # a file system without links; the next start mends what two at once may leave
        first = False
    if first:
        draft.unlink()
    else:
        draft.replace(path)
