"""What stands in a certificate that matters to who meets it: for which names it is, from when and until when, and
whether somebody else vouches for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import ExtensionOID

LARGEST = 1 << 20  # bytes of a file; a chain has some thousand
SOON_DAYS = 14
DAY_SECONDS = 86_400
# What is read of a certificate that keeps to no standard raises these, too, which are no ValueError.
_STRANGE = (x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)


@dataclass(frozen=True, slots=True)
class Leaf:
    """The first certificate of a chain; moments are epoch seconds."""

    names: tuple[str, ...]
    starts_at: float
    ends_at: float
    is_self_signed: bool

    def is_for(self, name: str) -> bool:
        """Whether clients take it for a host of this name."""
        return any(_covers(one, name.lower()) for one in self.names)

    @property
    def all_names(self) -> str:
        """Its names, for people."""
        return ", ".join(self.names[:10]) or "no name"

    @property
    def last_day(self) -> str:
        """The day on which it ends."""
        return day_of(self.ends_at)

    def days_left(self, now: float) -> float:
        """Until it ends."""
        return (self.ends_at - now) / DAY_SECONDS


def read_leaf(file: Path) -> Leaf:
    """The first certificate of a PEM file. OSError when it cannot be read, ValueError when it has none."""
    return leaf_of(read_bounded(file))


def read_bounded(file: Path) -> bytes:
    """A file that is no longer than a chain or key may be; OSError, ValueError."""
    with file.open("rb") as opened:
        content = opened.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ValueError("it is too large")
    return content


def leaf_of(pem: bytes) -> Leaf:
    """The first certificate of a PEM text; ValueError when it has none."""
    try:
        return _leaf(x509.load_pem_x509_certificate(pem))
    except _STRANGE as strange:
        raise ValueError(str(strange)) from strange


def _leaf(found: x509.Certificate) -> Leaf:
    return Leaf(
        tuple(_names(found)),
        found.not_valid_before_utc.timestamp(),
        found.not_valid_after_utc.timestamp(),
        _is_self_signed(found),
    )


def day_of(moment: float) -> str:
    """The day of a moment, in UTC."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d}"


def _is_self_signed(found: x509.Certificate) -> bool:
    if found.issuer != found.subject:
        return False
    try:
        found.verify_directly_issued_by(found)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _names(found: x509.Certificate) -> list[str]:
    try:
        extension = found.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    except x509.ExtensionNotFound:
        return []
    names = extension.value
    if not isinstance(names, x509.SubjectAlternativeName):
        return []
    return [one.lower() for one in names.get_values_for_type(x509.DNSName)]


def _covers(pattern: str, name: str) -> bool:
    """RFC 6125 section 6.4.3: a star stands for one label, and for the first alone."""
    if pattern.startswith("*."):
        return name.partition(".")[2] == pattern[2:]
    return pattern == name
