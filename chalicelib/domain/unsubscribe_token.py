"""The token in the address by which a recipient unsubscribes: 31 letters and digits that nobody else can write.

It holds server (22 bits), message (31 bits), and with it the recipient, since a message has one, and 128 bits of
HMAC-SHA-256 over both, so that an address is checked without a look-up. The numbers are not secret, and a token says
nothing about whether the link still works.
"""

from __future__ import annotations

import hmac

from chalicelib.domain.digits import BASE62, decode, encode
from chalicelib.domain.numbering import MessageId, ServerId

_SERVER_BITS, _MESSAGE_BITS, _MAC_BYTES = 22, 31, 16
_MAC_BITS = _MAC_BYTES * 8
LENGTH = 31


def unsubscribe_token(server: ServerId, message: MessageId, mac_key: bytes) -> str:
    """The token of a message. Raises ValueError for numbers that do not fit."""
    if not 0 <= server < 1 << _SERVER_BITS or not 0 <= message < 1 << _MESSAGE_BITS:
        raise ValueError(f"server {server} or message {message} does not fit into a token")
    numbers = server << _MESSAGE_BITS | message
    mac = int.from_bytes(_mac(numbers, mac_key), "big")
    return encode(numbers << _MAC_BITS | mac, BASE62, LENGTH)


def read_unsubscribe_token(token: str, mac_key: bytes) -> tuple[ServerId, MessageId] | None:
    """Server and message of a token; None when it is not ours, cut or forged."""
    value = decode(token, BASE62, LENGTH)
    if value is None or value >> (_SERVER_BITS + _MESSAGE_BITS + _MAC_BITS):
        return None
    numbers, mac = value >> _MAC_BITS, value & ((1 << _MAC_BITS) - 1)
    if not hmac.compare_digest(mac.to_bytes(_MAC_BYTES, "big"), _mac(numbers, mac_key)):
        return None
    message = numbers & ((1 << _MESSAGE_BITS) - 1)
    return ServerId(numbers >> _MESSAGE_BITS), MessageId(message)


def _mac(numbers: int, mac_key: bytes) -> bytes:
    text = b"unsubscribe:" + numbers.to_bytes(7, "big")
    return hmac.digest(mac_key, text, "sha256")[:_MAC_BYTES]
