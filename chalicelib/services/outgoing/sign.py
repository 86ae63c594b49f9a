"""Making a stored message ready to go: the envelope it travels in, the fields in front of it, the signatures over
both.

The stored bytes are never changed; each attempt signs them afresh and nothing of it is kept. A domain whose DKIM
records are published signs with its own keys, any other with the installation's key under the return path domain
(contract section 4, step 11).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

from chalicelib.config import Settings
from chalicelib.domain.acceptance import Alignment, Limits, Passed, Unsubscribing
from chalicelib.domain.envelope import Envelope
from chalicelib.domain.ids import is_own_token, return_path_local
from chalicelib.domain.mail import dkim
from chalicelib.domain.mail.address import addresses_in
from chalicelib.domain.mail.headers import Headers, read_headers
from chalicelib.domain.mail.mailbox import domain_of
from chalicelib.domain.mail.own_fields import Additions, additions
from chalicelib.domain.mail.received import rfc2822_date
from chalicelib.domain.model import Message
from chalicelib.domain.tenancy.dkim_key import DkimKey
from chalicelib.domain.tenancy.domains import Domain
from chalicelib.ports.clock import Clock
from chalicelib.ports.signer import Signer
from chalicelib.services.outgoing.attempt import OutgoingAttempt
from chalicelib.services.outgoing.offer_unsubscribe import OfferUnsubscribe
from chalicelib.services.tenancy.address_mac import AddressMac
from chalicelib.services.tenancy.directory import Directory


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed message: parts whose concatenation is the exact content, under this envelope."""

    envelope: Envelope
    content: Sequence[bytes]
    alignment: Alignment
    unsubscribing: Unsubscribing
    selectors: tuple[str, ...]


class Sign:
    """The step that makes envelope, own fields and signatures."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        directory: Directory,
        mac: AddressMac,
        signer: Signer,
        offer: OfferUnsubscribe,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._directory = directory
        self._mac = mac
        self._signer = signer
        self._offer = offer

    async def run(self, attempt: OutgoingAttempt) -> None:
        """Sign the body as it is by then. Raises TemporaryFailure when key or vault cannot be reached."""
        message, domain = attempt.record.message, attempt.domain
        signed = await self.signed(message, attempt.body, domain)
        attempt.envelope, attempt.content = signed.envelope, signed.content
        passed = Passed(
            Limits.ROOM if attempt.record.counted else Limits.NONE,
            attempt.facts.manual,
            signed.alignment,
            signed.unsubscribing,
            signed.selectors,
        )
        attempt.record = replace(attempt.record, checked=passed.render())

    async def signed(self, message: Message, body: bytes, domain: Domain) -> Signed:
        """One message, signed. TemporaryFailure when key or vault cannot be reached."""
        envelope, headers = await self._envelope(message, domain), read_headers(body)
        offered = await self._offer.url(message, headers)
        front = additions(
            headers,
            token=message.token,
            message_id=f"{message.token}@{self._settings.return_path_domain}",
            date=rfc2822_date(message.received_at),
            resent_sender=self._resent_sender(envelope),
            complaints_to=_complaints_to(envelope, domain),
            unsubscribe=offered,
        )
        keys = await self._keys(domain) if front.sign else ()
        signatures = await self._signatures(front, body, keys) if keys else []
        return Signed(
            envelope,
            front.assemble(signatures, body),
            _alignment(headers, domain, is_signed=front.sign),
            _unsubscribing(headers, offered),
            tuple(key.selector for key in keys),
        )

    async def _envelope(self, message: Message, domain: Domain) -> Envelope:
        """A return path of its own for each message, so that a bounce names it; none for a bounce (RFC 5321
        §4.5.5)."""
        mail_from = ""
        if not message.bounce:
            local = await self._return_path_local(message)
            mail_from = f"{local}@{self._return_path_host(domain)}"
        return Envelope(mail_from, message.rcpt_to, message.smtputf8, message.dsn)

    async def _return_path_local(self, message: Message) -> str:
        """By the token; one that was made elsewhere fits into no return path, and there its server's did for all."""
        if is_own_token(message.token, message.server_id, message.id):
            return return_path_local(message.token, await self._mac.key())
        return (await self._directory.server(message.server_id)).token

    def _return_path_host(self, domain: Domain) -> str:
        if domain.return_path_ok:
            return f"{self._settings.custom_return_path_prefix}.{domain.name}"
        return self._settings.return_path_domain

    def _resent_sender(self, envelope: Envelope) -> str | None:
        return envelope.mail_from or None if self._settings.resent_sender else None

    async def _signatures(
        self, front: Additions, body: bytes, keys: Sequence[DkimKey]
    ) -> list[bytes]:
        canonical = dkim.prepare(body, front.below_signatures)
        at = int(self._clock.now())
        signatures = []
        for key in keys:
            signing = dkim.signing_input(canonical, key.domain, key.selector, key.algorithm, at)
            signatures.append(dkim.finish(signing, await self._signer.sign(key, signing.digest)))
        return signatures

    async def _keys(self, domain: Domain) -> tuple[DkimKey, ...]:
        return domain.signing_keys or ((await self._directory.installation()).signing_key,)


def _alignment(headers: Headers, domain: Domain, *, is_signed: bool) -> Alignment:
    """As DMARC compares in its relaxed mode, but that only names within each other are of one organization."""
    if not is_signed:
        return Alignment.SIGNED_BEFORE
    if not domain.signing_keys:
        return Alignment.KEY_NOT_FOUND
    for address in chain.from_iterable(map(addresses_in, headers.plain_texts("from"))):
        author = f".{domain_of(address)}"
        if not (author.endswith(f".{domain.name}") or f".{domain.name}".endswith(author)):
            return Alignment.OTHER_DOMAIN
    return Alignment.ALIGNED


def _unsubscribing(headers: Headers, offered: str | None) -> Unsubscribing:
    if offered is not None:
        return Unsubscribing.ADDED
    is_own = bool(headers.count(b"list-unsubscribe"))
    return Unsubscribing.OWN if is_own else Unsubscribing.NOT_WANTED


def _complaints_to(envelope: Envelope, domain: Domain) -> str | None:
    """The return path, where its host and the signature are of the author's own domain, as RFC 9477 wants it."""
    return envelope.mail_from or None if domain.return_path_ok and domain.dkim_ok else None
