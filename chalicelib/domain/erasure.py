"""An address that is erased: where it is found, and what stands in its place where something must stay."""

from __future__ import annotations

import binascii
import hashlib
import re
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain.model import MessageRecord

HASHED = "sha256:"
_BETWEEN = re.compile(rb"[\s<>,;:\"()\[\]]+")
_FIELD = re.compile(rb"(?im)^(from|to|cc):((?:[^\r\n]|\r?\n[ \t])*)")
_HEAD = 256 * 1024
_BASE64 = f"{string.ascii_letters}{string.digits}+/=".encode()


def hashed(address: str) -> str:
    """What stands for an address that is erased."""
    return HASHED + hashlib.sha256(address.lower().encode()).hexdigest()


def is_hashed(text: str) -> bool:
    """Whether a text stands for an address."""
    return text.startswith(HASHED)


class Carries(StrEnum):
    """How a message has to do with an address: it is from or to it, or another's that names it."""

    ERASED = "erased"
    NAMED = "named"


@dataclass(frozen=True, slots=True)
class Sought:
    """An address, without case."""

    address: str

    @property
    def digest(self) -> str:
        """What stands in its place."""
        return hashed(self.address)

    def is_in(self, text: str) -> bool:
        """Whether a text holds it, and no longer address that ends or begins with it."""
        return re.search(_whole(self.address), text, re.IGNORECASE) is not None

    def is_in_bytes(self, content: bytes) -> bool:
        """The same of bytes, and of what parts of a message in base64 or quoted-printable say."""
        wanted = self.address.lower().encode()
        return any(
            wanted in one.lower()
            and re.search(_whole(self.address).encode(), one, re.IGNORECASE) is not None
            for one in (content, *_decoded(content))
        )

    def replaced(self, text: str) -> str:
        """A text with what stands in its place."""
        return re.sub(_whole(self.address), self.digest, text, flags=re.IGNORECASE)

    def carried_by(self, record: MessageRecord, content: bytes) -> Carries | None:
        """How a message has to do with it. Of what its fields say, the sender counts, and a recipient who is the only
        one: what names others too was stored for them."""
        message = record.message
        envelope = [message.mail_from, message.rcpt_to]
        if message.arrival is not None:
            envelope.append(message.arrival.to)
        senders, recipients = _named(content)
        if any(self._is(one) for one in (*envelope, *senders)) or self._are(recipients):
            return Carries.ERASED
        told = (message.subject, message.tag or "", message.metadata or "", message.message_id)
        log = (f"{one.details}\n{one.output or ''}" for one in record.deliveries)
        is_named = self.is_in_bytes(content) or any(self.is_in(one) for one in (*told, *log))
        return Carries.NAMED if is_named else None

    def _is(self, address: str) -> bool:
        return address.lower() == self.address.lower()

    def _are(self, addresses: Iterable[str]) -> bool:
        found = set(addresses)
        return bool(found) and all(self._is(one) for one in found)


def _whole(address: str) -> str:
    return rf"(?<![\w.+-]){re.escape(address)}(?![\w-])(?!\.\w)"


def _decoded(content: bytes) -> Iterator[bytes]:
    """What encoded parts say, wherever they are: linear in the content, and nothing of it is believed."""
    told = content.lower()
    if b"quoted-printable" in told:
        yield binascii.a2b_qp(content)
    if b"base64" in told:
        run: list[bytes] = []
        for line in (*content.split(b"\n"), b""):
            letters = line.strip()
            if letters and not letters.translate(None, _BASE64):
                run.append(letters)
            elif run:
                yield _from_base64(b"".join(run))
                run = []


def _from_base64(letters: bytes) -> bytes:
    """What they stand for; a single one that is left over stands for nothing."""
    whole = letters.replace(b"=", b"")
    whole = whole[: len(whole) - (len(whole) % 4 == 1)]
    return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))


def _named(content: bytes) -> tuple[set[str], set[str]]:
    """The addresses in From, and those in To and Cc."""
    head = content[:_HEAD]
    ends = [at for at in (head.find(b"\r\n\r\n"), head.find(b"\n\n")) if at >= 0]
    head = head[: min(ends, default=len(head))]
    senders: set[str] = set()
    recipients: set[str] = set()
    for found in _FIELD.finditer(head):
        named = {
            one.decode("utf-8", "replace").lower()
            for one in _BETWEEN.split(found[2])
            if b"@" in one
        }
        (senders if found[1].lower() == b"from" else recipients).update(named)
    return senders, recipients
