"""Addresses of bodies and uploads on this host, each good for one place and until one moment by its HMAC-SHA256.

`/b/<key>/<offset>/<length>/<until>/<mac>` names bytes, with `/~<name>` in front of the mac as a file of this name (in
base64url), `/u/<server>/<upload>/<size>/<until>/<mac>` a file to bring. The keys are derived from those of the key
file: addresses outlive a restart, and end with their key.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

from chalicelib.adapters.sqlite.sealing_keys import SealingKeys
from chalicelib.config import Settings
from chalicelib.domain.errors import NotFound, Refused
from chalicelib.domain.file_link import LONGEST_NAME
from chalicelib.domain.model import BlobRef
from chalicelib.domain.numbering import ServerId

BODIES, UPLOADS = "/b/", "/u/"
UPLOAD_SECONDS = 3_600
_LINK = re.compile(
    r"/b/(?P<key>[a-z0-9./-]{1,100})/(?P<offset>\d{1,12})/(?P<length>\d{1,12})/(?P<until>\d{1,12})"
    r"(?:/~(?P<name>[\w-]{1,600}))?/[\w-]{43}",
    re.ASCII,
)
_TICKET = re.compile(
    r"/u/(?P<server>\d{1,10})/(?P<id>[0-9a-f]{32})/(?P<size>\d{1,12})/(?P<until>\d{1,12})/[\w-]{43}",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a client may bring: the key and the bytes of its upload, and when it was allowed."""

    key: str
    size: int
    at: int


class SignedLinks:
    """Makes the addresses, and reads them."""

    def __init__(self, settings: Settings, keys: SealingKeys) -> None:
        self._url = settings.public_url
        self._keys = keys.derived("links")

    def link(self, ref: BlobRef, until: int, name: str = "") -> str:
        """Where the bytes of a reference can be fetched, as a file of this name."""
        path = f"{BODIES}{ref.key}/{ref.offset}/{ref.length}/{until}"
        return self._signed(f"{path}/~{_coded(name)}" if name else path)

    def ticket(self, server: ServerId, upload_id: str, size: int, now: int) -> str:
        """Where a file of this size can be brought within UPLOAD_SECONDS."""
        return self._signed(f"{UPLOADS}{server}/{upload_id}/{size}/{now + UPLOAD_SECONDS}")

    def read_link(self, path: str, now: float) -> BlobRef:
        """What a link names. NotFound for what is none, Refused for one that is forged or over."""
        found = self._read(_LINK, path, now)
        return BlobRef(found["key"], int(found["offset"]), int(found["length"]))

    def read_name(self, path: str) -> str:
        """The name of the file in a link that was read; empty when there is none."""
        found = _LINK.fullmatch(path)
        coded = (found and found["name"]) or ""
        return urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode()

    def read_ticket(self, path: str, now: float) -> Ticket:
        """What a ticket allows; NotFound and Refused as for a link."""
        found = self._read(_TICKET, path, now)
        key = f"u/{found['server']}/{found['id']}"
        return Ticket(key, int(found["size"]), int(found["until"]) - UPLOAD_SECONDS)

    def _signed(self, path: str) -> str:
        return f"{self._url}{path}/{_mac(self._keys[0], path)}"

    def _read(self, form: re.Pattern[str], path: str, now: float) -> re.Match[str]:
        found = form.fullmatch(path)
        if found is None:
            raise NotFound("There is nothing at this address")
        signed, _, mac = path.rpartition("/")
        # Each is compared, whichever fits.
        if not sum(hmac.compare_digest(_mac(key, signed), mac) for key in self._keys):
            raise Refused("This address was not given by us")
        if int(found["until"]) <= now:
            raise Refused("The time of this address is over")
        return found


def _coded(name: str) -> str:
    data = name[-LONGEST_NAME:].encode("utf-8", "replace")
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _mac(key: bytes, path: str) -> str:
    return urlsafe_b64encode(hmac.digest(key, path.encode(), "sha256")).rstrip(b"=").decode()
