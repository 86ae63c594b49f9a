"""DKIM-Signature and ARC-Message-Signature fields: what they say, and the digests that they sign (RFC 6376, RFC 8617).

Everything is checked but the signature itself, which takes a key. A signature of DKIM with rsa-sha1 is none that can be
verified (RFC 8301); a chain of ARC may have it (ADR 68). Linear in the message, for any bytes; no clock: times are
passed in.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from chalicelib.domain.domain_name import ascii_name
from chalicelib.domain.incoming.tag_list import (
    read_base64,
    read_field,
    without_signature,
    words,
)
from chalicelib.domain.mail.dkim import ALGORITHMS, body_digest, relaxed_header, relaxed_length
from chalicelib.domain.mail.headers import Field

_NUMBER = re.compile(r"[0-9]{1,12}")
_CANONICAL = re.compile(r"(simple|relaxed)(?:/(simple|relaxed))?")
_FIELD_NAME = re.compile(r"[!-9;-~]+")
LATE = 300  # seconds by which clocks may differ
WEAK = "rsa-sha1"
ARC_ALGORITHMS = (*ALGORITHMS, WEAK)


class SignatureError(Exception):
    """What is wrong, as a result of RFC 8601: `neutral` for what cannot be read, `permerror` for what must not be
    verified."""

    def __init__(self, result: str, reason: str) -> None:
        super().__init__(reason)
        self.result = result


class BodyForm(NamedTuple):
    """How a body is hashed: its canonical form, how many octets of it (None: all), and by which hash."""

    relaxed: bool
    length: int | None
    hash_name: str = "sha256"


@dataclass(frozen=True, slots=True)
class SignedField:
    """A signature over header and body. `i` is the identity of DKIM, or the instance of ARC."""

    field: Field
    algorithm: str
    domain: str
    selector: str
    i: str
    names: tuple[bytes, ...]
    relaxed_fields: bool
    body: BodyForm
    body_hash: bytes
    signature: bytes
    expires_at: int | None
    signed_at: int | None

    @property
    def key_name(self) -> str:
        """Where the key's record lies."""
        return f"{self.selector}._domainkey.{self.domain}"

    def header_digest(self, content: bytes, fields: Mapping[bytes, list[Field]]) -> bytes:
        """The hash that the key signed. `fields` by lower-case name, in the order of the message."""
        digest = hashlib.new(self.body.hash_name)
        for one in _chosen(self.names, fields, self.field):
            digest.update(canonical_field(content, one, self.relaxed_fields))
        digest.update(canonical_signature(content, self.field, self.relaxed_fields))
        return digest.digest()


def read_dkim(field: Field) -> SignedField:
    """A DKIM-Signature. Raises SignatureError."""
    tags = _tags(field)
    if tags.get("v") != "1":
        raise SignatureError("neutral", "no v=1")
    made = _signed(field, tags)
    if b"from" not in made.names:
        raise SignatureError("permerror", "From is not signed")
    identity = ascii_name(made.i.rpartition("@")[2]) if "i" in tags else made.domain
    if identity is None or not f".{identity}".endswith(f".{made.domain}"):
        raise SignatureError("permerror", "i= is not below d=")
    if "dns/txt" not in words(tags.get("q", "dns/txt")):
        raise SignatureError("permerror", "the key cannot be asked for")
    return made


def read_arc_message_signature(field: Field) -> SignedField:
    """An ARC-Message-Signature, whose tags mean what those of DKIM do but for `i=` (RFC 8617 §4.1.2). What it signs is
    its sealer's choice; an empty `h=` is read. Raises SignatureError."""
    tags = _tags(field)
    listed = {**tags, "h": ":".join(filter(None, _names(tags)))} if "h" in tags else tags
    made = _signed(field, listed, ARC_ALGORITHMS, has_names=bool(listed.get("h", "?")))
    if b"arc-seal" in made.names:
        raise SignatureError("permerror", "a seal is signed")
    return made


def check_times(signed: SignedField, now: float) -> None:
    """Raises SignatureError for a signature that has expired or was made in the future."""
    if signed.expires_at is not None and signed.expires_at < now:
        raise SignatureError("permerror", "expired")
    if signed.signed_at is not None and signed.signed_at > now + LATE:
        raise SignatureError("permerror", "made in the future")


def hash_body(content: bytes, body_at: int, form: BodyForm) -> bytes:
    """The hash that `bh=` must be. Raises SignatureError where fewer octets are signed than there are: others could
    have added theirs."""
    end = _end_of_simple(content, body_at)
    if form.length is not None:
        length = relaxed_length(content, body_at) if form.relaxed else end - body_at + 2
        if form.length > length:
            raise SignatureError("permerror", "the body is shorter than l= says")
        if form.length < length:
            raise SignatureError("neutral", "a part of the body is not signed")
    if form.relaxed:
        return body_digest(content, body_at, form.hash_name)
    digest = hashlib.new(form.hash_name, memoryview(content)[body_at:end])
    digest.update(b"\r\n")
    return digest.digest()


def canonical_field(content: bytes, field: Field, relaxed: bool = True) -> bytes:
    """A field as it is signed, with its line end."""
    raw = content[field.start : field.end].removesuffix(b"\r\n")
    return canonical(raw, relaxed) + b"\r\n"


def canonical_signature(content: bytes, field: Field, relaxed: bool = True) -> bytes:
    """A signature's own field as it signs itself: without its signature and its line end."""
    raw = content[field.start : field.end].removesuffix(b"\r\n")
    name, _, value = raw.partition(b":")
    return canonical(b"%s:%s" % (name, without_signature(value)), relaxed)


def canonical(raw: bytes, relaxed: bool = True) -> bytes:
    """A field without its final line end by RFC 6376 §3.4.1 or §3.4.2."""
    if not relaxed:
        return raw
    name, _, value = relaxed_header(raw).partition(b":")
    return b"%s:%s" % (name.rstrip(b" \t").lower(), value.strip(b" "))


def hash_of(algorithm: str) -> str:
    """The name of its hash, as `hashlib` has it."""
    return algorithm.partition("-")[2]


def read_names(tags: Mapping[str, str], verified: Collection[str]) -> tuple[str, str, str]:
    """Algorithm, which must be one of those that are verified, domain and selector, the latter in ASCII. Raises
    SignatureError."""
    algorithm = tags.get("a", "")
    if algorithm not in verified:
        raise SignatureError("permerror", "an algorithm that is not verified")
    domain, selector = ascii_name(tags.get("d", "")), ascii_name(tags.get("s", ""))
    if domain is None or selector is None:
        raise SignatureError("neutral", "no name")
    return algorithm, domain, selector


def read_signature(tags: Mapping[str, str], name: str) -> bytes:
    """The octets of `b=` or `bh=`. Raises SignatureError."""
    octets = read_base64(tags.get(name, ""))
    if octets is None:
        raise SignatureError("neutral", f"no {name}=")
    return octets


def read_time(tags: Mapping[str, str], name: str) -> int | None:
    """Epoch seconds, or None where there are none. Raises SignatureError."""
    if name not in tags:
        return None
    if not _NUMBER.fullmatch(tags[name]):
        raise SignatureError("neutral", f"{name}= is no time")
    return int(tags[name])


def _tags(field: Field) -> dict[str, str]:
    tags = read_field(field.value)
    if tags is None:
        raise SignatureError("neutral", "no tag list")
    return tags


def _names(tags: Mapping[str, str]) -> list[str]:
    return [name.strip().lower() for name in tags.get("h", "").split(":")]


def _signed(
    field: Field,
    tags: Mapping[str, str],
    verified: Collection[str] = ALGORITHMS,
    *,
    has_names: bool = True,
) -> SignedField:
    algorithm, domain, selector = read_names(tags, verified)
    forms = _CANONICAL.fullmatch(tags.get("c", "simple/simple"))
    names = _names(tags) if has_names else []
    if forms is None or not all(map(_FIELD_NAME.fullmatch, names)):
        raise SignatureError("neutral", "c= or h= cannot be read")
    length = read_time(tags, "l")
    signed_at, expires_at = read_time(tags, "t"), read_time(tags, "x")
    if signed_at is not None and expires_at is not None and expires_at <= signed_at:
        raise SignatureError("neutral", "expired before it was made")
    return SignedField(
        field,
        algorithm,
        domain,
        selector,
        tags.get("i", ""),
        tuple(name.encode() for name in names),
        forms[1] == "relaxed",
        BodyForm(forms[2] == "relaxed", length, hash_of(algorithm)),
        read_signature(tags, "bh"),
        read_signature(tags, "b"),
        expires_at,
        signed_at,
    )


def _chosen(names: Iterable[bytes], fields: Mapping[bytes, list[Field]], own: Field) -> list[Field]:
    """Of several fields with one name the lowest first (RFC 6376 §5.4.2); a name without a field is passed over, and so
    is the signature's own, which was not there yet when it was made."""
    left = {name: list(fields[name]) for name in set(names) if name in fields}
    if own.name in left:
        left[own.name] = [one for one in left[own.name] if one.start != own.start]
    return [left[name].pop() for name in names if left.get(name)]


def _end_of_simple(content: bytes, at: int) -> int:
    """Where the body ends by RFC 6376 §3.4.3 but for its last line end: empty lines at the end do not count."""
    end = len(content)
    for lines in (1 << 14, 1 << 7, 1):
        empty = b"\r\n" * lines
        while content.endswith(empty, at, end):
            end -= len(empty)
    return end
