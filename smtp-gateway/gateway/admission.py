"""Whom a session may send to: through us, as whoever vouches for it, or to recipients that are ours (api.md 2.9).

At the port for incoming mail anybody may send to what is ours; at those for submission only who is known. Decides and
looks up; what becomes of a recipient is the session's.
"""

from __future__ import annotations

from chalicelib.domain.errors import MailError, Refused, Rejected
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.services.incoming.arrivals import IncomingRecipient
from chalicelib.services.incoming.strangers import GREYLISTED, TOO_MANY
from chalicelib.services.tenancy.authenticate import Principal
from gateway import replies
from gateway.clients import Peer
from gateway.configuration import Role
from gateway.identity import Identity
from gateway.site import Site
from gateway.transaction import Transaction


class Admission:
    """The decisions for one session."""

    def __init__(self, site: Site, peer: Peer, identity: Identity) -> None:
        self._site = site
        self._is_open = peer.role is Role.MX
        self._identity = identity
        self._address = peer.address
        self._is_unlisted = False
        self._ours = site.services.recipients

    def sender_to(self, address: str) -> Principal | None:
        """As whom mail to this address leaves, where that is known without a look at anything."""
        principal = self._authenticated
        return None if principal is None or self._ours.may_be_own(address) else principal

    async def recipient(
        self, address: str, transaction: Transaction
    ) -> Principal | IncomingRecipient | bytes:
        """Who takes mail for the address, or as whom it leaves; else the reply that refuses it."""
        try:
            found = await self._found(address, transaction.mail.address)
            if isinstance(found, IncomingRecipient) and self._authenticated is None:
                await self._check_stranger(found, transaction)
        except (Refused, Rejected) as refused:
            return refused.reply.render()
        except MailError as failure:
            is_ours = failure.reply in (TOO_MANY, GREYLISTED)
            return failure.reply.render() if is_ours else replies.NOT_LOOKED_UP
        return found

    async def _check_stranger(self, found: IncomingRecipient, transaction: Transaction) -> None:
        """What the settings ask of strangers; the postmaster is reached by all who are not too many."""
        strangers, client = self._site.services.strangers, self._address
        if not self._is_open or not strangers.are_checked:
            return
        if found.forwarded is None and not self._is_unlisted:
            await strangers.check_lists(client)
            self._is_unlisted = True
        if found.forwarded is None:
            await strangers.check_first_contact(client, transaction.mail.address, found.address)
        # Last, since a transaction that is refused is no message.
        if not transaction.counted:
            await strangers.count(client)
            transaction.counted = True

    async def _found(self, address: str, mail_from: str) -> Principal | IncomingRecipient | bytes:
        known: Principal | None = None
        if not self._is_open and self._authenticated is None:
            known = await self._by_address()
            if known is None:
                return replies.AUTH_REQUIRED
        if self._ours.may_be_own(address):
            own = await self._ours.own(address, mail_from)
            if own is not None:
                return own
        if self._authenticated is not None:
            return self._authenticated
        hosted = await self._ours.hosted(address)
        if hosted is not None:
            return hosted
        known = known or await self._by_address()
        if known is not None:
            return known
        await self._ours.check_unknown(address)
        return replies.AUTH_REQUIRED

    @property
    def _authenticated(self) -> Principal | None:
        """Who has given a proof; one who is known by address alone sends to what is ours like anybody."""
        principal = self._identity.principal
        if principal is None or principal.credential.kind is CredentialKind.SMTP_IP:
            return None
        return principal

    async def _by_address(self) -> Principal | None:
        if self._identity.principal is not None:
            return self._identity.principal
        try:
            return await self._identity.by_address()
        except MailError as away:
            raise replies.refuse(454, "4.7.0", "Temporary authentication failure") from away
