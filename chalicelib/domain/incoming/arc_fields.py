"""The three fields of a new ARC set, as far as they can be made without the key (RFC 8617 §5.1).

`message_signature` and `seal` return a field up to and including its `b=` and the digest that the key signs; `finish`
of `chalicelib.domain.mail.dkim` adds the signature. The seal of a chain that fails signs its own set alone (§5.1.2).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from chalicelib.domain.incoming.signed_field import BodyForm, canonical, hash_body
from chalicelib.domain.mail.dkim import SIGNED, SigningInput
from chalicelib.domain.mail.headers import Headers

# A signature of DKIM is what a receiver wants to see unchanged; seals and results must not be signed.
SIGNED_NAMES = SIGNED | {b"dkim-signature"}
_MOST_FIELDS = 100


@dataclass(frozen=True, slots=True)
class Sealing:
    """As whom and when a set is made (epoch seconds), and which fields its message signature covers."""

    domain: str
    selector: str
    at: int
    signed_names: Collection[bytes] = SIGNED_NAMES


def results_field(instance: int, results: str) -> bytes:
    """ARC-Authentication-Results; `results` as in Authentication-Results."""
    return f"ARC-Authentication-Results: i={instance}; {results}\r\n".encode("ascii")


def message_signature(
    content: bytes, headers: Headers, instance: int, sealing: Sealing
) -> SigningInput:
    """ARC-Message-Signature over the message as it is sent on."""
    body_hash = base64.b64encode(hash_body(content, headers.body_at, BodyForm(True, None)))
    wanted = sealing.signed_names
    chosen = [one for one in reversed(headers.fields) if one.name in wanted][:_MOST_FIELDS]
    listed = [one.name for one in chosen]
    if len(chosen) < _MOST_FIELDS:
        listed.append(b"from")  # none can be added
    value = b" i=%d; a=rsa-sha256; c=relaxed/relaxed; %s; t=%d;\r\n\th=%s;\r\n\tbh=%s;\r\n\tb=" % (
        *(instance, _names(sealing), sealing.at),
        *(b":\r\n\t ".join(listed), body_hash),
    )
    signed = [content[one.start : one.end] for one in chosen]
    return _signing(b"ARC-Message-Signature", value, signed)


def seal(scope: Sequence[bytes], instance: int, state: str, sealing: Sealing) -> SigningInput:
    """ARC-Seal over the fields of `scope`, complete and in the order of their sets, those of its own set last. `state`
    is what it says of the chain before it."""
    value = b" i=%d; a=rsa-sha256; t=%d; cv=%s; %s;\r\n\tb=" % (
        *(instance, sealing.at, state.encode(), _names(sealing)),
    )
    return _signing(b"ARC-Seal", value, scope)


def _names(sealing: Sealing) -> bytes:
    return f"d={sealing.domain};\r\n\ts={sealing.selector}".encode("ascii")


def _signing(name: bytes, value: bytes, signed: Sequence[bytes]) -> SigningInput:
    digest = hashlib.sha256()
    for one in signed:
        digest.update(canonical(one.removesuffix(b"\r\n")) + b"\r\n")
    digest.update(canonical(b"%s:%s" % (name, value)))
    return SigningInput(b"%s:%s" % (name, value), digest.digest())
