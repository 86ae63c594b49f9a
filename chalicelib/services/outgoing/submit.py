"""Submission over HTTP: a draft or a finished message becomes an accepted one, alone or in a batch.

Drafts are stamped here (Message-ID, date, boundaries) and get the trace field of contract section 2.2; finished
messages are taken byte for byte. Acceptance itself, with everything it refuses, is `AcceptMail`. A batch is prepared
item by item and stored at once: an item that is refused does not touch the others. What a request would hold or work
on is added up from lengths first: nothing is read or composed that could not be accepted anyway.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from chalicelib.config import Settings
from chalicelib.domain.errors import MailError, Rejected
from chalicelib.domain.mail.compose import Draft, Stamp, compose
from chalicelib.domain.mail.composed_size import body_octets, header_octets
from chalicelib.domain.mail.headers import LONGEST_BLOCK, read_headers
from chalicelib.domain.mail.received import received_field, rfc2822_date
from chalicelib.domain.model import Message
from chalicelib.domain.reply import Reply
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.clock import Clock
from chalicelib.ports.rand import Rand
from chalicelib.ports.resolver import Resolver
from chalicelib.services.limits.at_acceptance import CountAccepted, Counted
from chalicelib.services.outgoing.accept import AcceptMail
from chalicelib.services.outgoing.accept_once import AcceptOnce, mark_of_draft
from chalicelib.services.outgoing.authorise_sender import AuthoriseSender
from chalicelib.services.outgoing.stamp import new_stamp
from chalicelib.services.outgoing.submission import Prepared, Submission, check_size
from chalicelib.services.tenancy.authenticate import Principal

PTR_PATIENCE = 1.0
MOST_PTR_NAMES = 1_000


class SubmitMail:
    """The use cases behind the sending endpoints."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        rand: Rand,
        resolver: Resolver,
        sender: AuthoriseSender,
        accept: AcceptMail,
        once: AcceptOnce,
        limits: CountAccepted,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._rand = rand
        self._resolver = resolver
        self._sender = sender
        self._accept = accept
        self._once = once
        self._limits = limits
        self._names: dict[str, str | None] = {}

    async def submit(self, submission: Submission, client_address: str) -> tuple[Message, ...]:
        """Accept one message; one for each recipient. Raises Rejected, SenderRefused, TemporaryFailure; then nothing
        was promised."""
        outcome = (await self.submit_all([submission], client_address))[0]
        if isinstance(outcome, MailError):
            raise outcome
        return outcome

    async def submit_all(
        self, submissions: Sequence[Submission], client_address: str
    ) -> list[tuple[Message, ...] | MailError]:
        """Accept several messages: those for the recipients, or why not, for each. Raises TemporaryFailure when
        storing fails."""
        room = _Room(self._settings)
        counted: list[Counted] = []
        outcomes = [await self._prepare(one, client_address, room, counted) for one in submissions]
        new = [made for made in outcomes if isinstance(made, Prepared)]
        stored = False
        try:
            await self._accept.store(new)
            stored = True
        finally:
            await self._once.ended(new, stored=stored)
            for one in () if stored else counted:
                await self._limits.give_back(one)
        return [made.messages if isinstance(made, Prepared) else made for made in outcomes]

    async def authorise(self, principal: Principal, draft: Draft) -> None:
        """Raise SenderRefused unless the draft's author may send from this server (contract section 2.6)."""
        bare = replace(draft, text=None, html=None, attachments=())
        _Room(self._settings).take(Submission(principal, "", (), draft=bare))
        stamp = self._stamp(rfc2822_date(self._clock.now()))
        await self._sender.domain(principal, read_headers(compose(bare, stamp)))

    async def _prepare(
        self,
        submission: Submission,
        client_address: str,
        room: _Room,
        counted: list[Counted],
    ) -> Prepared | tuple[Message, ...] | MailError:
        """What is to be stored, what was accepted before under its key, or why not; send limits come last."""
        try:
            room.take(submission)
            prepared = await self._accept.prepare(await self._composed(submission, client_address))
            earlier = await self._once.earlier_messages(prepared)
            if earlier is None:
                counted.append(await self._places(submission.principal, prepared))
                return prepared
            return earlier
        except MailError as error:
            return error

    async def _places(self, principal: Principal, prepared: Prepared) -> Counted:
        """What its send limits gave it. Raises SendLimitExceeded, and then its key is free again."""
        server, credential = principal.server, principal.credential
        try:
            taken = await self._limits.take(server, credential, prepared.recipients)
        except MailError:
            await self._once.ended([prepared], stored=False)
            raise
        prepared.limits = taken.marks
        return taken

    async def _composed(self, submission: Submission, client_address: str) -> Submission:
        """The submission as it came over HTTP, its draft as content behind a trace field."""
        if submission.draft is None:
            return replace(submission, received_with_ssl=True)
        date = rfc2822_date(self._clock.now())
        return replace(
            submission,
            received_with_ssl=True,
            draft=None,
            mark=mark_of_draft(submission, submission.draft),
            content=compose(submission.draft, self._stamp(date)),
            received=await self._trace(submission.principal.server, client_address, date),
        )

    def _stamp(self, date: str) -> Stamp:
        return new_stamp(self._rand, self._settings.return_path_domain, date)

    async def _trace(self, server: Server, client_address: str, date: str) -> bytes:
        name = None if server.privacy_mode else await self._peer_name(client_address)
        return received_field(
            helo="api",
            peer_name=name,
            peer_address=client_address,
            by=self._settings.web_hostname,
            protocol="HTTP",
            date=date,
            privacy=server.privacy_mode,
        )

    async def _peer_name(self, address: str) -> str | None:
        """The client's PTR name, kept by address; a slow name server costs its name, not the client's time."""
        if address in self._names:
            return self._names[address]
        try:
            names = await asyncio.wait_for(self._resolver.ptr(address), PTR_PATIENCE)
        except TimeoutError:
            names = ()
        name = next(iter(names), None)
        if len(self._names) >= MOST_PTR_NAMES:
            self._names.clear()
        self._names[address] = name
        return name


class _Room:
    """What one request may still hold: a batch is no way around the limits of a message and of its recipients."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._recipients = settings.max_recipients
        self._header = LONGEST_BLOCK

    def take(self, submission: Submission) -> None:
        """Make place for a message. Rejected when it is too large, or too much with those before it."""
        draft = submission.draft
        octets = len(submission.content) if draft is None else body_octets(draft)
        check_size(self._settings, octets)
        header = header_octets(draft) if draft is not None else 0
        if header > self._header:
            raise Rejected("The header section is too large")
        if len(submission.recipients) > self._recipients:
            most = self._settings.max_recipients
            text = f"Too many recipients in one request (maximum {most})"
            raise Rejected(text, reply=Reply(452, "4.5.3", text))
        self._recipients -= len(submission.recipients)
        self._header -= header
