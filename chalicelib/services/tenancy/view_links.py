"""Addresses at which the HTML of one message is shown: at a host of its own, without a cookie, for five minutes.

The address itself is the right: whoever made it was let in to the content at that moment. It is bound by a MAC to the
host that answers, the page that frames it, the message, the person and the end; at any other host it is of nothing.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from chalicelib.config import Settings
from chalicelib.domain.errors import NotFound
from chalicelib.ports.clock import Clock
from chalicelib.services.tenancy.address_mac import AddressMac

SECONDS = 300
MAC_BYTES = 16
LONGEST = 1_000
_PURPOSE = b"view of mail"
_LOOPBACK = {"localhost": "127.0.0.1", "127.0.0.1": "localhost"}


@dataclass(frozen=True, slots=True)
class View:
    """What is shown: a message of a server, at a host, in pages of an origin, to a person, until when
    (epoch seconds); with images from elsewhere if that was asked for, and dark or light."""

    host: str
    framed_by: str
    server: int
    message: int
    person: str
    until: int
    images: bool = False
    dark: bool = False


class ViewLinks:
    """Makes and reads them."""

    def __init__(self, settings: Settings, clock: Clock, mac: AddressMac) -> None:
        self._settings = settings
        self._clock = clock
        self._mac = mac

    def origin(self, host: str, *, is_behind_stage: bool) -> str:
        """The origin that shows mail to pages at a host (with its port); empty where there is none: behind a stage of
        API Gateway, which has one host, unless a setting names another."""
        if self._settings.view_url:
            return self._settings.view_url.rstrip("/")
        scheme = self._settings.public_url.partition("://")[0]
        name, colon, port = host.partition(":")
        if name in _LOOPBACK:
            return f"{scheme}://{_LOOPBACK[name]}{colon}{port}"
        return "" if is_behind_stage else f"{scheme}://view.{host}"

    def is_of_views(self, host: str) -> bool:
        """Whether a host shows nothing but mail."""
        own = {f"view.{self._settings.web_hostname}"}
        if self._settings.view_url:
            own.add(urlsplit(self._settings.view_url).netloc)
        return host in own

    def until(self) -> int:
        """When an address that is made now ends."""
        return int(self._clock.now()) + SECONDS

    async def token(self, view: View) -> str:
        """What stands behind /view/ in its address."""
        octets = json.dumps(asdict(view), separators=(",", ":")).encode()
        return _text(await self._made(octets) + octets)

    async def read(self, token: str, host: str) -> View:
        """The view of a token that was asked for at a host; NotFound for any other, and after its end."""
        octets = _octets(token)
        said = octets[MAC_BYTES:]
        if not hmac.compare_digest(await self._made(said), octets[:MAC_BYTES]):
            raise _nothing()
        view = View(**json.loads(said))
        if view.host != host or view.until < self._clock.now():
            raise _nothing()
        return view

    async def _made(self, octets: bytes) -> bytes:
        key = hmac.digest(await self._mac.key(), _PURPOSE, "sha256")
        return hmac.digest(key, octets, "sha256")[:MAC_BYTES]


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def _octets(token: str) -> bytes:
    if len(token) > LONGEST:
        raise _nothing()
    try:
        return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (ValueError, binascii.Error) as unreadable:
        raise _nothing() from unreadable


def _nothing() -> NotFound:
    return NotFound("There is nothing here, or not any more: load the page again")
