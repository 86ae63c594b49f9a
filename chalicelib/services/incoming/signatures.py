"""Checking the signatures of others: DKIM (RFC 6376) and the chain of ARC (RFC 8617).

Keys are asked for by the resolver; at most ten signatures are looked at, and of a chain all seals. What DNS does not
answer is `temperror`. A large body is hashed in a thread.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import NamedTuple

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.incoming.arc_chain import BrokenChain, Chain, read_chain
from chalicelib.domain.incoming.key_record import KeyRecord, read_key
from chalicelib.domain.incoming.signed_field import (
    BodyForm,
    SignatureError,
    SignedField,
    check_times,
    hash_body,
    read_dkim,
)
from chalicelib.domain.incoming.tag_list import read_field
from chalicelib.domain.inspection import DkimSignature
from chalicelib.domain.mail.headers import Field, Headers
from chalicelib.ports.resolver import Resolver
from chalicelib.ports.signature_check import SignatureCheck

MOST_SIGNATURES = 10
LARGE = 1 << 20  # bytes
WEAKLY_SIGNED = "signed with rsa-sha1"


class ArcState(NamedTuple):
    """The state of a chain: none, pass, fail, or temperror where DNS does not tell; and what is to be said of it."""

    result: str
    reason: str | None = None


class SignedMessage:
    """A message whose signatures are looked at: its bytes, its fields by name, the hashes of its body."""

    def __init__(self, content: bytes, headers: Headers) -> None:
        self.content = content
        self.headers = headers
        self.fields: dict[bytes, list[Field]] = defaultdict(list)
        for one in headers.fields:
            self.fields[one.name].append(one)
        self._hashes: dict[BodyForm, bytes] = {}

    async def body_hash(self, form: BodyForm) -> bytes:
        """The hash of the body in this form. Raises SignatureError."""
        if form not in self._hashes:
            at = self.headers.body_at
            if len(self.content) - at > LARGE:
                made = await asyncio.to_thread(hash_body, self.content, at, form)
            else:
                made = hash_body(self.content, at, form)
            self._hashes[form] = made
        return self._hashes[form]


class Signatures:
    """Checks them."""

    def __init__(self, resolver: Resolver, check: SignatureCheck) -> None:
        self._resolver = resolver
        self._check = check

    async def dkim(self, message: SignedMessage, now: float) -> tuple[DkimSignature, ...]:
        """What became of each signature, from the top."""
        fields = message.fields.get(b"dkim-signature", [])[:MOST_SIGNATURES]
        return tuple([await self._of_dkim(message, one, now) for one in fields])

    async def arc(self, message: SignedMessage, now: float) -> ArcState:
        """The state of the chain."""
        try:
            chain = read_chain(message.content, message.headers.fields, now)
            if chain is None:
                return ArcState("none")
            await self._check_chain(message, chain)
        except (BrokenChain, SignatureError):
            return ArcState("fail")
        except TemporaryFailure:
            return ArcState("temperror")
        return ArcState("pass", WEAKLY_SIGNED if chain.is_weak else None)

    async def _check_chain(self, message: SignedMessage, chain: Chain) -> None:
        if not await self._is_signed(message, chain.message):
            raise BrokenChain("the newest message signature")
        for one in chain.seals:
            key = await self._key(one.key_name, one.algorithm)
            if not self._holds(key, one.digest, one.signature):
                raise BrokenChain("a seal")

    async def _of_dkim(self, message: SignedMessage, field: Field, now: float) -> DkimSignature:
        try:
            signed = read_dkim(field)
        except SignatureError as wrong:
            tags = read_field(field.value) or {}
            return DkimSignature(wrong.result, tags.get("d", "")[:255], tags.get("s", "")[:255])
        return DkimSignature(
            await self._result(message, signed, now), signed.domain, signed.selector
        )

    async def _result(self, message: SignedMessage, signed: SignedField, now: float) -> str:
        try:
            check_times(signed, now)
            return "pass" if await self._is_signed(message, signed) else "fail"
        except SignatureError as wrong:
            return wrong.result
        except TemporaryFailure:
            return "temperror"

    async def _is_signed(self, message: SignedMessage, signed: SignedField) -> bool:
        """Raises SignatureError and TemporaryFailure."""
        key = await self._key(signed.key_name, signed.algorithm)
        identity = signed.i.rpartition("@")[2].lower()
        if key.is_strict and "@" in signed.i and identity != signed.domain:
            raise SignatureError("permerror", "the key is for its very domain")
        if await message.body_hash(signed.body) != signed.body_hash:
            return False
        digest = signed.header_digest(message.content, message.fields)
        return self._holds(key, digest, signed.signature)

    async def _key(self, name: str, algorithm: str) -> KeyRecord:
        return read_key(await self._resolver.txt(name), algorithm)

    def _holds(self, key: KeyRecord, digest: bytes, signature: bytes) -> bool:
        try:
            return self._check.holds(key.kind, key.public, digest, signature)
        except ValueError as unusable:
            raise SignatureError("permerror", str(unusable)) from unusable
