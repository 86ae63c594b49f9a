"""Mail servers: creating, changing and suspending them.

Names are checked here; that they are unique is enforced by the store. A server carries its organization's suspension
and limits with it, as they are when the server is stored.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from chalicelib.domain.errors import Rejected, unknown_reference, wrong_field
from chalicelib.domain.limits.limit import LimitOwner, OwnerKind
from chalicelib.domain.mail.mailbox import envelope_address
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.outgoing.retry import parse_schedule
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS, Organization
from chalicelib.domain.tenancy.owners import ALL_ORGANIZATIONS, of_organization, of_server
from chalicelib.domain.tenancy.permalink import SERVER_RESERVED, server_token
from chalicelib.domain.tenancy.send_limits import LimitAction
from chalicelib.domain.tenancy.servers import (
    BY_PERMALINK,
    SERVERS,
    USUAL_DAYS,
    Server,
    ServerMode,
    SuppressionDays,
    UnknownOutcome,
)
from chalicelib.domain.tenancy.uuids import new_uuid
from chalicelib.ports.clock import Clock
from chalicelib.ports.limit_lines import LimitLines
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.rand import Rand
from chalicelib.ports.repository import Guard, Repository
from chalicelib.services.pools.sources import POOL, WRONG_POOL, no_such_pool
from chalicelib.services.tenancy.limit_fields import changes_limits, check_limits
from chalicelib.services.tenancy.names import (
    add_under_permalink,
    check_not_removed,
    checked_name,
)
from chalicelib.services.tenancy.rate_fields import changes_rates

MOST_SHARDS = 16


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What may be changed about a server after it was made (contract section 1.3), under the names of its fields.

    send_limit, _day, _month: messages in 60 minutes, 24 hours, a month of the calendar; None for no limit.
    outbound_spam_threshold: None for mail that is not scanned. postmaster_address: None for the postmaster of the
    domain. retry_schedule: as `1m,5m*2,1h*3`, None for the default. complaint_rate_limit, bounce_rate_limit: percent;
    with rate_limit_count None for as the organization has it.
    """

    mode: ServerMode = ServerMode.LIVE
    pool: str = "default"
    shards: int = 1
    send_limit: int | None = None
    send_limit_day: int | None = None
    send_limit_month: int | None = None
    send_limit_action: LimitAction = LimitAction.HOLD
    spam_threshold: float = 5.0
    spam_failure_threshold: float = 20.0
    outbound_spam_threshold: float | None = None
    postmaster_address: str | None = None
    allow_sender: bool = False
    privacy_mode: bool = False
    retry_schedule: str | None = None
    unknown_outcome: UnknownOutcome = UnknownOutcome.RESEND
    bounce_incoming: bool = True
    suppress_hard_fails: int = 2
    suppress_bounces: bool = True
    suppress_complaints: bool = True
    suppression_days: SuppressionDays = USUAL_DAYS
    message_retention_days: int = 60
    raw_message_retention_days: int = 30
    raw_message_retention_size: int = 2_048
    complaint_rate_limit: float | None = None
    bounce_rate_limit: float | None = None
    rate_limit_count: int | None = None

    @staticmethod
    def of(server: Server) -> ServerOptions:
        """The options a server has now."""
        return ServerOptions(*(getattr(server, each.name) for each in fields(ServerOptions)))


class Servers:
    """The mail servers of organizations (contract section 1.3)."""

    def __init__(
        self,
        repository: Repository,
        queue: WorkQueue,
        clock: Clock,
        rand: Rand,
        lines: LimitLines,
    ) -> None:
        self._repository = repository
        self._queue = queue
        self._clock = clock
        self._rand = rand
        self._lines = lines

    async def create(
        self,
        organization: Organization,
        name: str,
        permalink: str | None = None,
        options: ServerOptions | None = None,
        guard: Guard | None = None,
    ) -> Server:
        """A new mail server. Permalinks as with organizations; InvalidRequest names the option that is wrong, and so
        a pool that has no queue, where its mail could not be accepted."""
        name = checked_name(name)
        options = _checked(options or ServerOptions())
        await self._check_pool(options.pool)
        number = await self._repository.next_number("server")
        identifier = new_uuid(self._rand.bytes(16))

        async def add(candidate: str) -> Server:
            bare = Server(
                id=ServerId(number),
                organization_id=organization.id,
                organization_permalink=organization.permalink,
                permalink=candidate,
                name=name,
                token=server_token(number),
                uuid=identifier,
                created_at=int(self._clock.now()),
            )
            server = await self._with_suspension(replace(bare, **_by_name(options)))
            await check_not_removed(self._repository, SERVERS, server.full_name)
            await self._repository.add(SERVERS, server, guard)
            return server

        return await add_under_permalink(name, permalink, SERVER_RESERVED, add)

    async def of(self, organization: Organization) -> list[Server]:
        """The organization's servers, by permalink."""
        return await self._repository.all(SERVERS, of_organization(organization.id))

    async def get(self, organization: str, permalink: str) -> Server:
        """By permalinks; NotFound."""
        place = Place(ALL_ORGANIZATIONS, organization)
        owner = of_organization((await self._repository.get(ORGANIZATIONS, place)).id)
        return await self._repository.find(SERVERS, BY_PERMALINK, Place(owner, permalink))

    async def update(
        self,
        server: Server,
        options: ServerOptions,
        name: str | None = None,
        guard: Guard | None = None,
    ) -> Server:
        """Give a server other options, and another name if one is given; begin with `ServerOptions.of(server)` to
        change only some.

        The number of shards is part of where its messages lie, so that InvalidRequest refuses to change it. It refuses
        a new pool that has no queue, too.
        """
        if options.shards != server.shards:
            raise wrong_field("shards", "The number of shards is chosen when a server is created")
        _checked(options)
        if options.pool != server.pool:
            await self._check_pool(options.pool)
        # What is not to change may have been changed by somebody else meanwhile.
        known, wanted = _by_name(ServerOptions.of(server)), _by_name(options)
        changes = {field: one for field, one in wanted.items() if one != known[field]}
        if name is not None:
            changes["name"] = checked_name(name)
        changed = await self._modify(server, guard, **changes)
        if changes_limits(changes) or changes_rates(changes):
            owner = LimitOwner(OwnerKind.SERVER, server.id)
            await self._lines.hurry(owner, self._clock.now())
        return changed

    async def suspend(self, server: Server, reason: str) -> Server:
        """Stop a server from sending and receiving, at once."""
        now = server.suspended_at or int(self._clock.now())
        reason = checked_name(reason, "reason")
        return await self._modify(server, None, suspended_at=now, suspension_reason=reason)

    async def unsuspend(self, server: Server) -> Server:
        """Lift a server's own suspension; its organization's stays."""
        return await self._modify(server, None, suspended_at=None, suspension_reason=None)

    async def _modify(self, server: Server, guard: Guard | None, **changes: Any) -> Server:
        """The server with these fields, and with its organization's suspension and limits as they are."""
        owner = await self._with_suspension(server)
        changes["organization_suspended"] = owner.organization_suspended
        changes["organization_limits"] = owner.organization_limits
        changes["organization_rates"] = owner.organization_rates
        place = Place(of_server(server.id))
        return await self._repository.modify(
            SERVERS, place, lambda one: replace(one, **changes), guard
        )

    async def _with_suspension(self, server: Server) -> Server:
        place = Place(ALL_ORGANIZATIONS, server.organization_permalink)
        owner = await self._repository.get(ORGANIZATIONS, place)
        return replace(
            server,
            organization_suspended=owner.suspended_at is not None,
            organization_limits=owner.limits,
            organization_rates=owner.rate_limits,
        )

    async def _check_pool(self, pool: str) -> None:
        known = await self._queue.pools()
        if pool not in known:
            raise unknown_reference("pool", no_such_pool(pool, known))


def _by_name(options: ServerOptions) -> dict[str, Any]:
    return {each.name: getattr(options, each.name) for each in fields(options)}


def checked_schedule(text: str) -> str:
    """The text of a retry schedule; InvalidRequest for one that cannot be read."""
    try:
        parse_schedule(text)
    except Rejected as unreadable:
        raise wrong_field("retry_schedule", unreadable.public) from unreadable
    return text


def checked_postmaster(text: str) -> str:
    """The address that bounces name; InvalidRequest for what is no mailbox."""
    if envelope_address(text) is None:
        raise wrong_field("postmaster_address", "This is not an e-mail address")
    return text


def _checked(options: ServerOptions) -> ServerOptions:
    if POOL.fullmatch(options.pool) is None:
        raise wrong_field("pool", WRONG_POOL)
    if not 1 <= options.shards <= MOST_SHARDS:
        raise wrong_field("shards", f"The number of shards is 1 to {MOST_SHARDS}")
    check_limits(options)
    if options.retry_schedule is not None:
        checked_schedule(options.retry_schedule)
    if options.postmaster_address is not None:
        checked_postmaster(options.postmaster_address)
    return options
