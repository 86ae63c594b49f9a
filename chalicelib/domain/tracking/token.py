"""The token in the address of a tracked link or an open image: 22 base62 characters that nobody else can write.

It holds server (22 bits), message (31 bits), link number (11 bits; 0 is the open image, links count from 1) and 64 bits
of HMAC-SHA-256 over those and the server's token, so that an address is checked without a look-up and one server's
address under another's name is none. The numbers are not secret, and a token says nothing about whether the link still
exists.
"""

from __future__ import annotations

import hmac

from chalicelib.domain.digits import BASE62, decode, encode

MOST_LINKS = (1 << 11) - 1

_SERVER_BITS, _MESSAGE_BITS, _LINK_BITS, _MAC_BITS = 22, 31, 11, 64
_NUMBER_BITS = _SERVER_BITS + _MESSAGE_BITS + _LINK_BITS
_LENGTH = 22


def tracking_token(server: int, message: int, link: int, server_token: str, mac_key: bytes) -> str:
    """The token of link `link` of a message, 0 for its open image. Raises ValueError for numbers that do not fit."""
    if (
        not 0 <= server < 1 << _SERVER_BITS
        or not 0 <= message < 1 << _MESSAGE_BITS
        or not 0 <= link <= MOST_LINKS
    ):
        raise ValueError(f"server {server}, message {message} or link {link} does not fit")
    numbers = (server << _MESSAGE_BITS | message) << _LINK_BITS | link
    mac = int.from_bytes(_mac(numbers, server_token, mac_key), "big")
    return encode(numbers << _MAC_BITS | mac, BASE62, _LENGTH)


def read_tracking_token(
    token: str, server_token: str, mac_key: bytes
) -> tuple[int, int, int] | None:
    """Server, message and link number of a token under this server's token; None when it is not ours or forged."""
    value = decode(token, BASE62, _LENGTH)
    if value is None or value >> (_NUMBER_BITS + _MAC_BITS):
        return None
    numbers, mac = value >> _MAC_BITS, value & ((1 << _MAC_BITS) - 1)
    if not hmac.compare_digest(mac.to_bytes(8, "big"), _mac(numbers, server_token, mac_key)):
        return None
    link = numbers & MOST_LINKS
    message = numbers >> _LINK_BITS & ((1 << _MESSAGE_BITS) - 1)
    return numbers >> (_LINK_BITS + _MESSAGE_BITS), message, link


def _mac(numbers: int, server_token: str, mac_key: bytes) -> bytes:
    token = server_token.encode("utf-8", "surrogatepass")
    return hmac.digest(mac_key, b"tracking:" + numbers.to_bytes(8, "big") + token, "sha256")[:8]
