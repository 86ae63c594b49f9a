"""Keys, tokens and short identifiers, all made from random bytes that the caller supplies.

A message token is arithmetic: server and message number are read back from it without a look-up, and 42 random bits
keep it from being guessed. A return-path local part is the same token in lower case with a MAC, because relays fold
case and strangers write to it; of mail that is forwarded it has a MAC of another kind, so that neither passes for the
other. Nothing here promises secrecy of the numbers inside a token, and no check here replaces the look-up that
compares the whole token.
"""

from __future__ import annotations

import hashlib
import hmac
import zlib

from chalicelib.domain.digits import BASE32, BASE36, BASE62, decode, encode

_LETTERS = BASE62[36:]

_SERVER_BITS, _MESSAGE_BITS, _RANDOM_BITS = 22, 31, 42
_TOKEN_BITS = _SERVER_BITS + _MESSAGE_BITS + _RANDOM_BITS
_TOKEN_LENGTH = 16
_MAC_BITS = 25
_LOCAL_LENGTH = 24

_KEY_PREFIX = "ph"
MANAGEMENT_PREFIX = "phm"
_PREFIXES = (_KEY_PREFIX, MANAGEMENT_PREFIX)
_KEY_LENGTH = 32
_CHECKSUM_LENGTH = 6


def key_digest(key: str) -> str:
    """SHA-256 of a credential key as 64 hex digits: all that is kept of it."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def new_key(random: bytes, prefix: str = _KEY_PREFIX) -> str:
    """A key `ph_<32 alphanumerics>_<checksum>` from at least 32 random bytes; `phm` begins those of managers.

    The checksum lets secret scanners recognise a leaked key; it proves nothing.
    """
    secret = _digits_of(random, BASE62, _KEY_LENGTH, least=32)
    return f"{prefix}_{secret}_{_checksum(secret)}"


def is_new_key(text: str) -> bool:
    """True when the text has the shape and checksum of `new_key`; keys brought from elsewhere do not."""
    parts = text.split("_")
    if len(parts) != 3 or parts[0] not in _PREFIXES or len(parts[1]) != _KEY_LENGTH:
        return False
    return parts[1].isascii() and parts[2] == _checksum(parts[1])


def make_token(server: int, message: int, random: bytes) -> str:
    """A message token: 16 base62 characters that hold server (22 bits), message (31 bits) and 42 random bits.

    Needs at least 6 random bytes. Raises ValueError for numbers that do not fit.
    """
    if not 0 <= server < 1 << _SERVER_BITS or not 0 <= message < 1 << _MESSAGE_BITS:
        raise ValueError(f"server {server} or message {message} does not fit into a token")
    noise = _number_of(random, least=6) & ((1 << _RANDOM_BITS) - 1)
    value = (noise << _SERVER_BITS | server) << _MESSAGE_BITS | message
    return encode(value, BASE62, _TOKEN_LENGTH)


def read_token(token: str) -> tuple[int, int] | None:
    """Server and message number of a token; None when the text is not one."""
    value = _token_value(token)
    if value is None:
        return None
    message = value & ((1 << _MESSAGE_BITS) - 1)
    server = value >> _MESSAGE_BITS & ((1 << _SERVER_BITS) - 1)
    return server, message


def is_postal_token(text: str) -> bool:
    """Whether a text may be the token of a message or a link of Postal: 16 letters and digits."""
    return len(text) == _TOKEN_LENGTH and text.isascii() and text.isalnum()


def is_own_token(token: str, server: int, message: int) -> bool:
    """Whether a message has the token that arithmetic gives it; one that was brought from elsewhere keeps its own."""
    return read_token(token) == (server, message)


def return_path_local(token: str, mac_key: bytes, *, forwarded: bool = False) -> str:
    """The local part of a return path: 24 lower-case base32 characters, 95 bits of token and 25 bits of MAC.
    `forwarded`: that of a message that is sent on for its sender.

    Raises ValueError for a text that `make_token` did not make.
    """
    value = _token_value(token)
    if value is None:
        raise ValueError("not a message token")
    mac = _mac(value, mac_key, forwarded)
    return encode(value << _MAC_BITS | mac, BASE32, _LOCAL_LENGTH)


def read_return_path_local(local: str, mac_key: bytes, *, forwarded: bool = False) -> str | None:
    """The token in a return path's local part, in any letter case; None when it is not ours, forged, or not of this
    kind."""
    combined = decode(local.lower(), BASE32, _LOCAL_LENGTH)
    if combined is None:
        return None
    value, mac = combined >> _MAC_BITS, combined & ((1 << _MAC_BITS) - 1)
    expected = _mac(value, mac_key, forwarded)
    if not hmac.compare_digest(mac.to_bytes(4, "big"), expected.to_bytes(4, "big")):
        return None
    return encode(value, BASE62, _TOKEN_LENGTH)


def random_letters(random: bytes, count: int) -> str:
    """`count` lower-case letters a–z, from at least `count` random bytes."""
    return _digits_of(random, _LETTERS, count, least=count)


def random_alphanumerics(random: bytes, count: int) -> str:
    """`count` characters of A–Z, a–z and 0–9, from at least `count` random bytes."""
    return _digits_of(random, BASE62, count, least=count)


def route_token(random: bytes) -> str:
    """Eight lower-case alphanumerics (contract section 1.7), from at least 8 random bytes."""
    return log_id(random).lower()


def log_id(random: bytes) -> str:
    """Eight upper-case alphanumerics (contract section 1.12), from at least 8 random bytes."""
    return _digits_of(random, BASE36, 8, least=8)


def _checksum(secret: str) -> str:
    return encode(zlib.crc32(secret.encode()), BASE62, _CHECKSUM_LENGTH)


def _mac(value: int, mac_key: bytes, forwarded: bool) -> int:
    text = (b"forwarded:" if forwarded else b"return-path:") + value.to_bytes(12, "big")
    digest = hmac.digest(mac_key, text, "sha256")
    return int.from_bytes(digest[:4], "big") >> (32 - _MAC_BITS)


def _token_value(token: str) -> int | None:
    value = decode(token, BASE62, _TOKEN_LENGTH)
    return value if value is not None and value < 1 << _TOKEN_BITS else None


def _number_of(random: bytes, least: int) -> int:
    if len(random) < least:
        raise ValueError(f"{len(random)} random bytes where at least {least} are needed")
    return int.from_bytes(random, "big")


def _digits_of(random: bytes, alphabet: str, count: int, least: int) -> str:
    number = _number_of(random, least)
    return encode(number % len(alphabet) ** count, alphabet, count)
