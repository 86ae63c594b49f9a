"""Cursors of lists as clients keep them: bound by a MAC to tenant, list and filters (api.md 1.2, 5).

A cursor that is cut, forged, or of another list is Rejected, without telling which. What it holds is no secret.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from chalicelib.domain.errors import Rejected
from chalicelib.services.tenancy.address_mac import AddressMac

MAC_BYTES = 16
_PURPOSE = b"cursor"


class Cursors:
    """Renders and reads them with a key that is derived from the installation's."""

    def __init__(self, mac: AddressMac) -> None:
        self._mac = mac

    async def render(self, binding: str, position: str) -> str:
        """The cursor of a position in the list that `binding` names."""
        octets = position.encode()
        return _text(await self._made(binding, octets) + octets)

    async def read(self, binding: str, cursor: str) -> str:
        """The position of a cursor of this list; Rejected."""
        try:
            whole = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            position = whole[MAC_BYTES:].decode()
        except (ValueError, binascii.Error) as unreadable:
            raise _foreign() from unreadable
        made = await self._made(binding, whole[MAC_BYTES:])
        # Base64 has several spellings of one value; only ours is taken.
        if not hmac.compare_digest(made, whole[:MAC_BYTES]) or _text(whole) != cursor:
            raise _foreign()
        return position

    async def _made(self, binding: str, position: bytes) -> bytes:
        key = hmac.digest(await self._mac.key(), _PURPOSE, "sha256")
        bound = hashlib.sha256(binding.encode()).digest()
        return hmac.digest(key, bound + position, "sha256")[:MAC_BYTES]


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def _foreign() -> Rejected:
    return Rejected("This cursor was not given out for this list")
