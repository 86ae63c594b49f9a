"""A whole import: the signing key, ways out, tenants with their suppressions, tokens and, where it is wished, mail.

It may be run while both installations serve, and again: a run that ended anywhere goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.destination_guard import read_guard
from chalicelib.domain.errors import PermanentFailure
from chalicelib.domain.postal.config import Names, PostalConfig
from chalicelib.domain.postal.domains import PublicKey
from chalicelib.domain.postal.other_names import Named, differences
from chalicelib.domain.postal.wanted import Note, refused, told
from chalicelib.domain.tenancy.audit import Acting, Actor
from chalicelib.ports.acting import acting
from onehost.postal.address import DatabaseAddress
from onehost.postal.bring import Bring
from onehost.postal.counters import bring_counters
from onehost.postal.database import Database
from onehost.postal.history import BringHistory
from onehost.postal.numbers import TABLES, go_on_above
from onehost.postal.people import BringPeople
from onehost.postal.report import Report
from onehost.postal.signing import bring_signing_key
from onehost.postal.suppressions import bring_suppressions
from onehost.postal.tenants import BroughtServer, Tenants
from onehost.postal.tokens import BringTokens
from onehost.postal.ways_out import bring_ways_out
from onehost.storage.progress import Progress

NO_POSTAL = "There is no Postal 3 in this database: it has no organizations and servers"
AT_WORK = "Postal's workers are at work: with --queue they must be stopped, or mail is sent from both sides"
LOCKED_LATELY = "locked_by IS NOT NULL AND locked_at > UTC_TIMESTAMP() - INTERVAL 5 MINUTE"
WHO = Acting(Actor("system", "import from Postal"))


@dataclass(frozen=True, slots=True)
class Source:
    """Where Postal is: its databases, what its files say."""

    main: DatabaseAddress
    messages: DatabaseAddress
    config: PostalConfig
    key: PublicKey | None


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is brought beside the configuration, and how."""

    dry_run: bool = False
    history: bool = False
    queue: bool = False
    replace_key: bool = False


class Import:
    """One run."""

    def __init__(
        self, program: Posthorn, source: Source, wishes: Wishes, progress: Progress
    ) -> None:
        self._program = program
        self._source = source
        self._wishes = wishes
        self._progress = progress
        self._main = Database(source.main, source.main.database or source.config.database)
        self.report = Report(wishes.dry_run)

    async def run(self) -> Report:
        """All of it. PermanentFailure and TemporaryFailure say why it ended before."""
        try:
            with acting(WHO):
                await self._run()
        finally:
            self._main.close()
        return self.report

    async def _run(self) -> None:
        config, settings = self._source.config, self._program.settings
        ours = own_names(settings)
        await self._check()
        if self._source.key is not None:
            await bring_signing_key(
                self._program,
                self._source.key,
                config.names.dkim_identifier,
                self.report,
                replace_key=self._wishes.replace_key,
            )
        bring = Bring(self._program, self.report, self._wishes.dry_run)
        pools = await bring_ways_out(self._main, bring, config)
        named = Named()
        guard = read_guard(settings.allowed_destinations, settings.allow_private_destinations)
        names = config.names, ours
        tenants = Tenants(self._main, bring, names, guard, pools, named)
        async for brought in tenants.all():
            await self._mail(brought)
        await BringPeople(self._main, bring, tenants.brought).all()
        self.report.differences = differences(config.names, ours, named)
        self.report.note(*_settings_notes(config, settings))

    async def _check(self) -> None:
        try:
            found = await self._main.count("organizations", "deleted_at IS NULL")
            await self._main.count("servers", "token IS NOT NULL")
        except PermanentFailure as failure:
            raise PermanentFailure(f"{NO_POSTAL}. {failure.public}") from failure
        if not found:
            raise PermanentFailure(NO_POSTAL)
        if self._wishes.queue and await self._main.count("queued_messages", LOCKED_LATELY):
            raise PermanentFailure(AT_WORK)

    async def _mail(self, brought: BroughtServer) -> None:
        """What lies in the message database of a server."""
        name = f"{self._source.config.prefix}-server-{brought.number}"
        database = Database(self._source.messages, name)
        try:
            await self._from(database, brought)
        except PermanentFailure as failure:
            what = f"mail of {brought.server.full_name}"
            self.report.note(refused(what, failure.public))
        finally:
            database.close()

    async def _from(self, database: Database, brought: BroughtServer) -> None:
        program, report, wishes = self._program, self.report, self._wishes
        if not wishes.dry_run:
            for table, kind in TABLES.items():
                highest = await database.highest(table)
                await go_on_above(program, brought.server.id, kind, highest)
        await bring_suppressions(program, database, brought, report)
        await BringTokens(program, database, brought, report, self._progress).run()
        history = BringHistory(
            program,
            (self._main, database),
            brought,
            report,
            self._progress,
            with_waiting=wishes.queue,
        )
        if wishes.history:
            await history.every()
            await bring_counters(program, database, brought, report)
        if wishes.queue:
            await history.waiting()
        if wishes.queue and not wishes.history:
            await history.held()
        await self._count_left(database, brought)

    async def _count_left(self, database: Database, brought: BroughtServer) -> None:
        """What stays in Postal by what is wished."""
        if self._wishes.queue:
            return
        mine = (brought.number,)
        waiting = await self._main.count("queued_messages", "server_id = %s", mine)
        self.report.count("messages in Postal's queue", "left to be sent by Postal", waiting)
        if not self._wishes.history:
            held = await database.count("messages", "held = 1")
            self.report.count("held messages", "left (--history or --queue brings them)", held)


def own_names(settings: Settings) -> Names:
    """The names that stand in addresses and records of ours."""
    return Names(
        web_hostname=settings.web_hostname,
        smtp_hostname=settings.smtp_hostname,
        route_domain=settings.route_domain,
        return_path_domain=settings.return_path_domain,
        track_domain=settings.track_domain,
        prefix=settings.custom_return_path_prefix,
        dkim_identifier=settings.dkim_identifier,
        spf_include=settings.spf_include,
        mx=settings.mx_host_names,
    )


def _settings_notes(config: PostalConfig, settings: Settings) -> Iterator[Note]:
    pairs = (
        ("POSTHORN_MAX_ATTEMPTS", config.maximum_attempts, settings.max_attempts),
        ("POSTHORN_HOLD_DAYS", config.hold_days, settings.hold_days),
        ("POSTHORN_SUPPRESSION_DAYS", config.suppression_days, settings.suppression_days),
    )
    for name, there, here in pairs:
        if there != here:
            yield told(f"setting {name}", f"it is {here} here and {there} in Postal")
    if config.max_message_megabytes * 1024 * 1024 > settings.max_message_size:
        why = f"Postal takes messages of {config.max_message_megabytes} MiB, which is more"
        yield told("setting POSTHORN_MAX_MESSAGE_SIZE", why)
    for relay in config.smtp_relays:
        yield told(f"relay {relay.partition('?')[0]}", "add it as a source of the kind smarthost")
