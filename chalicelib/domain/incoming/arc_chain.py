"""The chain of ARC sets in a message: whether it is one, and the digests that its seals sign (RFC 8617).

A chain is looked at as a whole: one set that is not as it must be makes all of it fail, whatever the others say. What
takes a key, the signatures, is left to the caller. Linear, for any bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chalicelib.domain.incoming.signed_field import (
    ARC_ALGORITHMS,
    WEAK,
    SignatureError,
    SignedField,
    canonical_field,
    canonical_signature,
    check_times,
    hash_of,
    read_arc_message_signature,
    read_names,
    read_signature,
    read_time,
)
from chalicelib.domain.incoming.tag_list import read_field
from chalicelib.domain.mail.headers import Field

MOST_SETS = 50
RESULTS, MESSAGE, SEAL = (
    b"arc-authentication-results",
    b"arc-message-signature",
    b"arc-seal",
)
NAMES = (RESULTS, MESSAGE, SEAL)
_INSTANCE = re.compile(rb"[ \t\r\n]*+i[ \t\r\n]*+=[ \t\r\n]*+([0-9]{1,3})[ \t\r\n]*+;")
_ANY_INSTANCE = re.compile(
    rb"(?:^|;)[ \t\r\n]*+i[ \t\r\n]*+=[ \t\r\n]*+([0-9]{1,3})[ \t\r\n]*+(?:;|$)"
)


class BrokenChain(Exception):
    """The chain fails."""


@dataclass(frozen=True, slots=True)
class Seal:
    """An ARC-Seal, and the hash that its key signed (section 5.1.1)."""

    algorithm: str
    domain: str
    selector: str
    signature: bytes
    digest: bytes

    @property
    def key_name(self) -> str:
        """Where the key's record lies."""
        return f"{self.selector}._domainkey.{self.domain}"


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain without a fault of form: the newest message signature, and the seals, newest first."""

    message: SignedField
    seals: tuple[Seal, ...]

    @property
    def is_weak(self) -> bool:
        """Whether one of them is signed with what DKIM does not verify any more."""
        return WEAK in (self.message.algorithm, *(one.algorithm for one in self.seals))


def read_chain(content: bytes, fields: Sequence[Field], now: float) -> Chain | None:
    """The chain of a message with these fields; None without ARC fields. Raises BrokenChain."""
    own = [one for one in fields if one.name in NAMES]
    if not own:
        return None
    if len(own) > MOST_SETS * len(NAMES):
        raise BrokenChain("more sets than there may be")
    sets = _sets(own)
    try:
        seals = tuple(_seals(content, sets, now))[::-1]
        message = read_arc_message_signature(sets[-1][MESSAGE])
        check_times(message, now)
    except SignatureError as wrong:
        raise BrokenChain(str(wrong)) from wrong
    return Chain(message, seals)


def newest(fields: Sequence[Field]) -> tuple[int, bool]:
    """The highest instance that any ARC field names, 0 without one, and whether a seal of it says that the chain
    failed. Of any fields, however broken."""
    numbered = [
        (int(found[1]), one)
        for one in fields
        if one.name in NAMES and (found := _ANY_INSTANCE.search(one.value))
    ]
    highest = max((number for number, _ in numbered), default=0)
    failed = any(
        number == highest and one.name == SEAL and (read_field(one.value) or {}).get("cv") == "fail"
        for number, one in numbered
    )
    return highest, failed


def sets_in_order(fields: Sequence[Field]) -> tuple[Field, ...]:
    """The fields of a chain that does not fail, in the order in which a further seal signs them."""
    sets = _sets([one for one in fields if one.name in NAMES])
    return tuple(one[name] for one in sets for name in NAMES)


def _sets(own: Sequence[Field]) -> list[dict[bytes, Field]]:
    """The sets by instance, from the first. Raises BrokenChain unless each is whole, and none is missing."""
    found: dict[int, dict[bytes, Field]] = {}
    for one in own:
        instance = _instance(one)
        if one.name in found.setdefault(instance, {}):
            raise BrokenChain("a field of a set is there twice")
        found[instance][one.name] = one
    numbers = sorted(found)
    if numbers != list(range(1, len(numbers) + 1)) or len(numbers) > MOST_SETS:
        raise BrokenChain("a set is missing, or there are too many")
    if any(len(one) != len(NAMES) for one in found.values()):
        raise BrokenChain("a set is not whole")
    return [found[number] for number in numbers]


def _instance(field: Field) -> int:
    if field.name == RESULTS:
        begun = _INSTANCE.match(field.value)
        text = begun[1].decode() if begun else ""
    else:
        text = (read_field(field.value) or {}).get("i", "")
    if not text.isascii() or not text.isdecimal() or len(text) > 3 or text.startswith("0"):
        raise BrokenChain("a field without its instance")
    return int(text)


def _seals(content: bytes, sets: Sequence[dict[bytes, Field]], now: float) -> Iterator[Seal]:
    """The seals, oldest first; each signs all sets up to its own. Raises BrokenChain and SignatureError."""
    tags = [_seal_tags(one[SEAL], "pass" if at else "none", now) for at, one in enumerate(sets)]
    names = [read_names(one, ARC_ALGORITHMS) for one in tags]
    signed = {name: hashlib.new(name) for name in {hash_of(one[0]) for one in names}}
    for one, its_tags, its_names in zip(sets, tags, names, strict=True):
        before = b"".join(canonical_field(content, one[name]) for name in (RESULTS, MESSAGE))
        seal = canonical_field(content, one[SEAL])
        for each in signed.values():
            each.update(before)
        digest = signed[hash_of(its_names[0])].copy()
        digest.update(canonical_signature(content, one[SEAL]))
        for each in signed.values():
            each.update(seal)
        yield Seal(*its_names, read_signature(its_tags, "b"), digest.digest())


def _seal_tags(field: Field, state: str, now: float) -> dict[str, str]:
    """The tags of a seal that says this of the chain before it. Raises BrokenChain and SignatureError."""
    tags = read_field(field.value) or {}
    if tags.get("cv") != state:
        raise BrokenChain("a seal does not say of the chain what it must")
    if "h" in tags or "bh" in tags:
        raise BrokenChain("a seal with a tag that it must not have")
    signed_at = read_time(tags, "t")
    if signed_at is not None and signed_at > now + 86_400:
        raise BrokenChain("a seal of the future")
    return tags
