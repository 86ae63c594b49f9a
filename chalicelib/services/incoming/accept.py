"""Taking responsibility for mail that arrives: decide who takes it, number it, store it, and only then say yes.

`AcceptIncoming.prepare` decides once, in memory: size, lines, loops, routes, numbers. `store` makes what it gives
durable, the parts of all servers in one go; only then has anything been promised. What is stored are the bytes as they
came, behind the trace field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from chalicelib.config import Settings
from chalicelib.domain.acceptance import Acceptance, Door
from chalicelib.domain.durations import DAY
from chalicelib.domain.errors import Rejected
from chalicelib.domain.incoming.loops import has_gone_round, was_delivered_to
from chalicelib.domain.incoming.routing import MOST_READ, Described, chosen
from chalicelib.domain.mail.encoded_words import decode_header
from chalicelib.domain.mail.headers import Headers, read_headers
from chalicelib.domain.mail.mailbox import domain_of, identity, local_part
from chalicelib.domain.mail.newlines import has_bare_newline, has_nul
from chalicelib.domain.model import INCOMING_QUEUE, Arrival, Message, Origin, Scope
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.rates import Policy
from chalicelib.domain.reply import Reply
from chalicelib.domain.tenancy.routes import Route, RouteMode
from chalicelib.ports.clock import Clock
from chalicelib.ports.intake import NOT_STORED
from chalicelib.services.incoming.arrivals import IncomingMail, IncomingRecipient, PreparedIncoming
from chalicelib.services.outgoing.accept import LONGEST_SUBJECT, bare_message_id
from chalicelib.services.outgoing.numbers import MessageNumbers
from chalicelib.services.outgoing.store import StoreMail
from chalicelib.services.outgoing.submission import check_size
from chalicelib.services.rates import RateExceeded, Rates

LOOP = Reply(554, "5.4.6", "Loop detected")
NO_ROUTE = Reply(550, "5.7.1", "No route takes this message")
REJECTED = Reply(550, "5.7.1", "Route does not accept incoming messages")
NO_REPORT = Reply(550, "5.7.1", "This address takes delivery reports alone")
TOO_MANY_REPORTS = Reply(550, "5.7.1", "Too many reports for this address")
REPORT = "multipart/report"
FORWARDED_REPORTS = Policy("forwarded-reports", 10, DAY)
_Draft = tuple[IncomingRecipient, Arrival]


class AcceptIncoming:
    """The accept use case of incoming mail."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        numbers: MessageNumbers,
        store: StoreMail,
        rates: Rates,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._numbers = numbers
        self._store = store
        self._rates = rates

    async def submit(self, mail: IncomingMail) -> tuple[Message, ...]:
        """Prepare and store one message; one for each recipient and endpoint. Raises Rejected, TemporaryFailure."""
        prepared = await self.prepare(mail)
        await self.store(prepared)
        return tuple(message for part in prepared for message in part.messages)

    async def store(self, batch: Sequence[PreparedIncoming]) -> None:
        """Make a batch durable. Raises TemporaryFailure; see `chalicelib.services.outgoing.store`."""
        await self._store.store(batch)

    async def prepare(self, mail: IncomingMail) -> list[PreparedIncoming]:
        """What each server takes of a message. Raises Rejected (size, lines, loop, no route), TemporaryFailure."""
        check_size(self._settings, len(mail.content))
        _check_lines(mail.content)
        headers = read_headers(mail.content)
        self._check_loops(headers, mail)
        await self._check_reports(headers, mail)
        by_server: dict[ServerId, list[_Draft]] = {}
        for recipient, route in _routed(mail, headers):
            arrivals = _arrivals(mail, recipient, route)
            # Of the routes that an address fits, several servers may have some.
            taker = recipient.server_id if route is None else route.server_id
            by_server.setdefault(taker, []).extend((recipient, arrival) for arrival in arrivals)
        names = {one: await self._numbers.take(one, len(by_server[one])) for one in by_server}
        # Put together last, so that nothing waits with both in memory.
        body = mail.received + mail.content
        return [
            self._prepared(mail, headers, body, server, drafts, names[server])
            for server, drafts in by_server.items()
        ]

    def _check_loops(self, headers: Headers, mail: IncomingMail) -> None:
        """What went round is refused; where it did so for some recipients only, their attempts end it."""
        went_round = has_gone_round(headers, self._settings.smtp_hostname, bool(mail.received))
        if not went_round and not mail.shared:
            went_round = all(was_delivered_to(headers, one.address) for one in mail.recipients)
        if went_round:
            raise Rejected(LOOP.text, reply=LOOP)

    async def _check_reports(self, headers: Headers, mail: IncomingMail) -> None:
        """Where only reports on forwarded mail are taken, that is one, and not one of many."""
        for recipient in mail.recipients:
            if not recipient.reports:
                continue
            if not is_delivery_report(headers):
                raise Rejected(NO_REPORT.text, reply=NO_REPORT)
            try:
                await self._rates.count(FORWARDED_REPORTS, local_part(recipient.address))
            except RateExceeded as many:
                raise Rejected(TOO_MANY_REPORTS.text, reply=TOO_MANY_REPORTS) from many

    def _prepared(
        self,
        mail: IncomingMail,
        headers: Headers,
        body: bytes,
        server: ServerId,
        drafts: Sequence[_Draft],
        names: list[tuple[MessageId, str]],
    ) -> PreparedIncoming:
        subject = (headers.last_text("subject") or "")[:LONGEST_SUBJECT]
        message_id, now = bare_message_id(headers), self._clock.now()
        came = Acceptance(Door.SMTP, mail.client).render(privacy=False)

        def draft(one: _Draft, name: tuple[MessageId, str]) -> Message:
            recipient, arrival = one
            leaves = recipient.forwarded
            return Message(
                server_id=server,
                id=name[0],
                token=name[1],
                scope=Scope.OUTGOING if leaves else Scope.INCOMING,
                mail_from=mail.mail_from,
                rcpt_to=recipient.address,
                subject=subject,
                message_id=message_id,
                received_at=now,
                size=len(body),
                blob=NOT_STORED,
                origin=leaves or Origin(INCOMING_QUEUE, domain_of(recipient.address), ""),
                bounce=not mail.mail_from if leaves else recipient.bounce,
                received_with_ssl=mail.received_with_ssl,
                smtputf8=mail.smtputf8,
                dsn=recipient.dsn,
                arrival=None if leaves else arrival,
                acceptance=came if leaves else None,
            )

        made = _of_one_request(tuple(map(draft, drafts, names)))
        return PreparedIncoming(body, server, made, names)


def _of_one_request(made: tuple[Message, ...]) -> tuple[Message, ...]:
    return (*made[:1], *(replace(one, request=made[0].id) for one in made[1:]))


def is_delivery_report(headers: Headers) -> bool:
    """Whether a message says that it is a report (RFC 6522)."""
    kind = (headers.last_text("content-type") or "").partition(";")[0].strip().lower()
    return kind == REPORT


def _check_lines(content: bytes) -> None:
    """Every CR and LF is part of a CRLF and there is no NUL, so that no second message hides in this one; nothing
    continues the field that is put in front."""
    if has_nul(content):
        raise Rejected("Message contains a NUL character")
    if has_bare_newline(content):
        raise Rejected("Message contains a bare CR or LF; lines must end in CRLF")
    if content[:1] in (b" ", b"\t"):
        raise Rejected("Message begins with white space")


def _routed(mail: IncomingMail, headers: Headers) -> list[tuple[IncomingRecipient, Route | None]]:
    """Each recipient once, with the route that takes it. Rejected when none takes any of them."""
    described = _Described(mail, headers)
    found: list[tuple[IncomingRecipient, Route | None]] = []
    refusals: list[Reply] = []
    for recipient in _unique(mail.recipients):
        route, refusal = taken_by(recipient, described.get)
        if refusal is not None:
            refusals.append(refusal)
        found.append((recipient, route))
    if len(refusals) == len(found) and not mail.shared:
        raise Rejected(refusals[0].text, reply=refusals[0])
    return found


def _unique(recipients: Sequence[IncomingRecipient]) -> Sequence[IncomingRecipient]:
    """Each once, as it was named first."""
    if len(recipients) == 1:
        return recipients
    found: dict[tuple[str, Origin | None], IncomingRecipient] = {}
    for one in recipients:
        found.setdefault((identity(one.address), one.forwarded), one)
    return tuple(found.values())


class _Described:
    """What conditions look at, decoded when the first of them asks."""

    def __init__(self, mail: IncomingMail, headers: Headers) -> None:
        self._mail = mail
        self._headers = headers
        self._made: Described | None = None

    def get(self) -> Described:
        if self._made is None:
            fields = tuple(
                (field.name.decode("latin-1"), decode_header(field.value[:MOST_READ]))
                for field in self._headers.fields
            )
            subject = self._headers.last_text("subject") or ""
            self._made = Described(self._mail.mail_from, subject, fields)
        return self._made


def taken_by(
    recipient: IncomingRecipient, describe: Callable[[], Described]
) -> tuple[Route | None, Reply | None]:
    """The route that takes a message for a recipient, or the reply to DATA when none of its routes does."""
    routes = recipient.routes
    if not routes:
        return None, None
    if not recipient.asks or not routes[0].conditions:
        route: Route | None = routes[0]
    else:
        route = chosen(routes, describe())
    if route is None:
        return None, NO_ROUTE
    return (None, REJECTED) if route.mode is RouteMode.REJECT else (route, None)


def _arrivals(
    mail: IncomingMail, recipient: IncomingRecipient, route: Route | None
) -> Iterator[Arrival]:
    """How it arrives: for the route's endpoint, and for each of its additional ones."""

    def arrival(endpoint: str = "", *, additional: bool = False) -> Arrival:
        return Arrival(
            route_id=route.id if route else "",
            endpoint_id=endpoint,
            additional=additional,
            helo=mail.helo,
            client=mail.client,
            client_name=mail.client_name,
            to=recipient.to,
        )

    if route is None or route.mode is not RouteMode.ENDPOINT:
        yield arrival()
        return
    yield arrival(route.endpoint or "")
    for endpoint in route.additional_endpoints:
        yield arrival(endpoint, additional=True)
