"""Proving who owns a domain by a code that is mailed to an address that its owner alone should read (contract 8).

A code has six digits, ends after an hour and may be tried five times; a new one takes the place of the last. What is
kept of it is a MAC. A domain that is verified is left as it is.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

from chalicelib.domain.errors import Conflict, FieldError, InvalidRequest, wrong_field
from chalicelib.domain.tenancy.domain_states import DomainState, EmailCode
from chalicelib.domain.tenancy.domains import DOMAINS, Domain, VerificationMethod, VerifiedBy
from chalicelib.ports.clock import Clock
from chalicelib.ports.rand import Rand
from chalicelib.ports.repository import Repository
from chalicelib.services.system_mail import SystemMail
from chalicelib.services.tenancy.address_mac import AddressMac
from chalicelib.services.tenancy.domain_states import DomainStates

LOCAL_PARTS = ("webmaster", "postmaster", "admin", "administrator", "hostmaster")
CODE_SECONDS = 3_600
MOST_TRIES = 5
WRONG_CODE = "Invalid verification code. Please check and try again."
_TEXT = """\
Somebody wants to send mail from {name} with Posthorn and named this address as its owner's.

The verification code is {code}

It ends after an hour. If you do not know of this, do nothing.
"""


def owners_addresses(domain: str) -> tuple[str, ...]:
    """The addresses to which a code for a domain may go: five at the domain, and at each parent but the top."""
    labels = domain.split(".")
    hosts = (".".join(labels[start:]) for start in range(len(labels) - 1))
    return tuple(f"{local}@{host}" for host in hosts for local in LOCAL_PARTS)


class DomainCodes:
    """Sends codes and takes them back."""

    def __init__(
        self,
        repository: Repository,
        states: DomainStates,
        system_mail: SystemMail,
        mac: AddressMac,
        clock: Clock,
        rand: Rand,
    ) -> None:
        self._repository = repository
        self._states = states
        self._system_mail = system_mail
        self._mac = mac
        self._clock = clock
        self._rand = rand

    async def send(self, domain: Domain, to: str) -> None:
        """Mail a code. InvalidRequest for another address, Conflict for a domain that its record verifies,
        TemporaryFailure when no mail can be sent."""
        if domain.verified_at is not None:
            return
        _check_method(domain)
        to = to.strip().lower()
        if to not in owners_addresses(domain.name):
            names = ", ".join(LOCAL_PARTS)
            detail = f"The address must be one of {names} at the domain or a parent of it"
            raise wrong_field("send_to", detail)
        code = f"{int.from_bytes(self._rand.bytes(16)) % 1_000_000:06d}"
        ends_at = int(self._clock.now()) + CODE_SECONDS
        kept = EmailCode(await self._mac_of(domain, code), ends_at)
        await self._states.change(domain, lambda one: replace(one, code=kept))
        text = _TEXT.format(name=domain.name, code=code)
        await self._system_mail.send(to, f"Verification code for {domain.name}", text)

    async def verify(self, domain: Domain, code: str) -> Domain:
        """The verified domain. InvalidRequest for a wrong code, and for one that has ended; Conflict as `send`."""
        if domain.verified_at is not None:
            return domain
        _check_method(domain)
        now = int(self._clock.now())
        mac = await self._mac_of(domain, code.strip())

        def tried(one: DomainState) -> DomainState:
            known = one.code
            if known is None or known.ends_at <= now or known.tries >= MOST_TRIES:
                raise _wrong()
            # The try counts before anybody knows whether it is right, so that no two share one.
            return replace(one, code=replace(known, tries=known.tries + 1))

        found = (await self._states.change(domain, tried)).code
        if found is None or not hmac.compare_digest(found.mac, mac):
            raise _wrong()
        verified = await self._repository.modify(
            DOMAINS,
            DOMAINS.place(domain),
            lambda one: replace(
                one, verified_at=one.verified_at or now, verified_by=one.verified_by or _BY
            ),
        )
        await self._states.change(domain, lambda one: replace(one, code=None))
        return verified

    async def _mac_of(self, domain: Domain, code: str) -> str:
        said = f"domain code {domain.uuid} {code}".encode()
        return hmac.new(await self._mac.key(), said, hashlib.sha256).hexdigest()


_BY = VerifiedBy.CODE


def _check_method(domain: Domain) -> None:
    if domain.verification_method is not VerificationMethod.EMAIL:
        raise Conflict(
            "This domain is verified by its DNS record: publish it, then check the domain"
        )


def _wrong() -> InvalidRequest:
    return InvalidRequest(WRONG_CODE, (FieldError("/code", "wrong", WRONG_CODE),))
