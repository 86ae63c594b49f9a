"""DKIM key records (RFC 6376 §3.6.1, RFC 8463): which of the texts is one, and what its key may be used for.

The key itself is octets here; what cannot be a key is found by whoever verifies with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.domain.incoming.signed_field import SignatureError
from chalicelib.domain.incoming.tag_list import read_base64, read_tags, words


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A public key. `is_strict`: the identity that signs has the very domain of the record."""

    kind: str
    public: bytes
    is_strict: bool = False


def read_key(texts: Iterable[str], algorithm: str) -> KeyRecord:
    """The key for signatures with this algorithm among what is published at a selector's name. Raises SignatureError,
    always `permerror`: no key, a revoked one, or one that must not be used so."""
    tags = next(filter(None, map(_key_tags, texts)), None)
    if tags is None:
        raise SignatureError("permerror", "no key")
    kind, _, digest = algorithm.partition("-")
    if tags.get("k", "rsa") != kind:
        raise SignatureError("permerror", "a key of another kind")
    if "h" in tags and digest not in words(tags["h"]):
        raise SignatureError("permerror", "the key forbids the hash")
    if not {"*", "email"}.intersection(words(tags.get("s", "*"))):
        raise SignatureError("permerror", "the key is for another service")
    public = read_base64(tags["p"])
    if public is None:
        raise SignatureError("permerror", "the key was revoked, or is none")
    return KeyRecord(kind, public, "s" in words(tags.get("t", "")))


def _key_tags(text: str) -> dict[str, str] | None:
    tags = read_tags(text)
    if tags is None or "p" not in tags:
        return None
    if tags.get("v", "DKIM1") != "DKIM1" or ("v" in tags and next(iter(tags)) != "v"):
        return None
    return tags
