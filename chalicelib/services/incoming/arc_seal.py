"""Sealing mail that is sent on: one ARC set with the installation's key (RFC 8617 §5.1), whose record is wanted in DNS
already.

Receivers that trust us learn from it what was found of the message before it was sent on. No set is added where the
chain is at its end, where DNS did not tell its state, or where the newest set says already that it failed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from chalicelib.config import Settings
from chalicelib.domain.incoming import arc_fields
from chalicelib.domain.incoming.arc_chain import MOST_SETS, newest, sets_in_order
from chalicelib.domain.incoming.arc_fields import Sealing
from chalicelib.domain.incoming.head import results
from chalicelib.domain.inspection import Inspection
from chalicelib.domain.mail.dkim import finish
from chalicelib.domain.mail.headers import Headers, read_headers
from chalicelib.ports.clock import Clock
from chalicelib.ports.signer import Signer
from chalicelib.services.tenancy.directory import Directory

Sign = Callable[[bytes], Awaitable[bytes]]
"""Makes the signature of a SHA-256 digest."""


class SealArc:
    """Seals."""

    def __init__(
        self, settings: Settings, clock: Clock, directory: Directory, signer: Signer
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._directory = directory
        self._signer = signer

    async def fields(self, content: bytes, inspection: Inspection | None) -> bytes:
        """The three fields to put in front of the content as it is sent on; none where there is nothing to seal. Raises
        TemporaryFailure when key or vault cannot be reached."""
        state = inspection.authentication.arc if inspection else "temperror"
        if inspection is None or state == "temperror":
            return b""
        key = (await self._directory.installation()).signing_key
        told = results(inspection.authentication, self._settings.smtp_hostname)
        sealing = Sealing(key.domain, key.selector, int(self._clock.now()))
        return await new_set(content, state, told, sealing, partial(self._signer.sign, key))


async def new_set(content: bytes, state: str, told: str, sealing: Sealing, sign: Sign) -> bytes:
    """The fields of one set more. `state` is that of the chain, `told` what was found of the message."""
    headers = read_headers(content)
    highest, has_failed = newest(headers.fields)
    if has_failed or highest >= MOST_SETS:
        return b""
    own = arc_fields.results_field(highest + 1, told)
    signing = arc_fields.message_signature(content, headers, highest + 1, sealing)
    message = finish(signing, await sign(signing.digest))
    scope = [*_before(content, headers, state), own, message]
    signing = arc_fields.seal(scope, highest + 1, state, sealing)
    seal = finish(signing, await sign(signing.digest))
    return b"".join([seal, message, own])


def _before(content: bytes, headers: Headers, state: str) -> list[bytes]:
    """What of the chain so far a seal signs: all of it, or nothing where it failed."""
    if state != "pass":
        return []
    return [content[one.start : one.end] for one in sets_in_order(headers.fields)]
