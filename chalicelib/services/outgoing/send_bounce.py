"""Sending a bounce: a message of ours with a null sender, which tells who sent another that it failed.

It is accepted as outgoing mail of the same server, once for each attempt that failed, whoever dies in between: its
number and token are kept under the failed attempt before it is stored, and a worker that comes to the same attempt
again stores the same message. Bounces to one address, one domain and of one server are counted, and none is sent above
what an hour allows. Whether one is due is decided by the caller.
"""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.config import Settings
from chalicelib.domain.acceptance import Acceptance, Door
from chalicelib.domain.errors import MailError, TemporaryFailure
from chalicelib.domain.mail.delivery_report import Failure, compose_report
from chalicelib.domain.mail.headers import read_headers
from chalicelib.domain.mail.mailbox import domain_of
from chalicelib.domain.mail.received import rfc2822_date
from chalicelib.domain.model import MessageRecord, Origin
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.rates import Policy
from chalicelib.domain.smtp.attempt_result import AttemptResult
from chalicelib.domain.smtp.classify import enhanced_code
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.clock import Clock
from chalicelib.ports.idempotency import Claimed, IdempotencyKeys
from chalicelib.ports.rand import Rand
from chalicelib.services.outgoing.choose_pool import ChoosePool
from chalicelib.services.outgoing.numbers import MessageNumbers
from chalicelib.services.outgoing.stamp import new_stamp
from chalicelib.services.outgoing.store import StoreMail
from chalicelib.services.outgoing.submission import Prepared, Recipient
from chalicelib.services.queue.store_outcome import best_effort
from chalicelib.services.rates import RateExceeded, Rates

HOUR = 3_600
TO_A_DOMAIN = Policy("bounces to a domain", 100, HOUR)
OF_A_SERVER = Policy("bounces of a server", 1_000, HOUR)
GENERAL = "5.0.0"


@dataclass(frozen=True, slots=True)
class Bounce:
    """What failed and for which address (`author`), what its bytes are, and why: by what a server said, which is told
    with `tells`, or by a `status` of our own. It leaves by `pool`, without one by that of rules and server."""

    record: MessageRecord
    server: Server
    content: bytes
    author: str
    result: AttemptResult | None = None
    tells: bool = True
    status: str = ""
    pool: str = ""


class SendBounce:
    """The use case."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        rand: Rand,
        rates: Rates,
        keys: IdempotencyKeys,
        pools: ChoosePool,
        numbers: MessageNumbers,
        store: StoreMail,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._rand = rand
        self._rates = rates
        self._keys = keys
        self._pools = pools
        self._numbers = numbers
        self._store = store
        self._to_an_address = Policy("bounces", settings.bounces_per_hour, HOUR)

    async def send(self, bounce: Bounce) -> MessageId | None:
        """The number of the bounce, which is stored by then; None when there were too many. Raises TemporaryFailure;
        then none is promised."""
        server, record = bounce.server.id, bounce.record
        # No client's key has a control character.
        key = f"\x01bounce {record.message.token} {record.attempt}"
        claim = await self._keys.begin(server, key, record.message.token, self._clock.now())
        if claim.found is Claimed.REPLAY:
            name = _read(claim.body)
        elif claim.found is Claimed.STARTED:
            try:
                name = await self._name(bounce)
                await self._keys.complete(server, key, 202, _written(name))
            except MailError:
                await best_effort(self._keys.abandon(server, key))
                raise
        else:
            raise TemporaryFailure("A bounce of this message is being made")
        if name is None:
            return None
        prepared = await self._prepared(bounce, name)
        await self._store.store([prepared])
        return prepared.names[0][0]

    async def _name(self, bounce: Bounce) -> tuple[MessageId, str] | None:
        """Number and token of a new bounce, if there may be one more."""
        address = bounce.record.message.mail_from
        local, _, domain = address.rpartition("@")
        try:
            await self._rates.count(self._to_an_address, f"{local.partition('+')[0]}@{domain}")
            await self._rates.count(TO_A_DOMAIN, domain_of(address) or domain)
            await self._rates.count(OF_A_SERVER, str(bounce.server.id))
        except RateExceeded:
            return None
        (name,) = await self._numbers.take(ServerId(bounce.server.id), 1)
        return name

    async def _prepared(self, bounce: Bounce, name: tuple[MessageId, str]) -> Prepared:
        message, server, now = bounce.record.message, bounce.server, self._clock.now()
        domain = self._settings.return_path_domain
        stamp = new_stamp(self._rand, domain, rfc2822_date(now))
        body = compose_report(self._failure(bounce, now), stamp)
        headers = read_headers(body)
        pool = bounce.pool
        if not pool:
            (pool,) = await self._pools.of(server, headers, [message.mail_from])
        return Prepared(
            body=body,
            to=(Recipient(message.mail_from),),
            names=[name],
            server_id=server.id,
            mail_from=bounce.author,
            subject=(headers.last_text("subject") or "")[:200],
            message_id=stamp.message_id,
            received_at=now,
            origins=(Origin(pool, domain_of(bounce.author), ""),),
            tag=None,
            bounce=True,
            hold=False,
            received_with_ssl=False,
            smtputf8=not message.mail_from.isascii(),
            reports_on=message.id,
            acceptance=Acceptance(Door.SYSTEM).render(privacy=False),
        )

    def _failure(self, bounce: Bounce, now: float) -> Failure:
        server, result = bounce.server, bounce.result
        said = (result.output or "") if result and result.remote else ""
        code = enhanced_code(said)
        remote = result.remote if result and bounce.tells else None
        return Failure(
            message=bounce.record.message,
            content=bounce.content,
            author=bounce.author,
            postmaster=server.postmaster_address or f"postmaster@{domain_of(bounce.author)}",
            server_token=server.token,
            reporter=self._settings.smtp_hostname,
            status=bounce.status or (f"5{code[1:]}" if code else GENERAL),
            at=now,
            remote=(remote or "").partition("(")[2].rstrip(")"),
            diagnostic=said if bounce.tells else "",
        )


def _written(name: tuple[MessageId, str] | None) -> str:
    return "" if name is None else f"{name[0]} {name[1]}"


def _read(text: str) -> tuple[MessageId, str] | None:
    number, _, token = text.partition(" ")
    return (MessageId(int(number)), token) if token else None
