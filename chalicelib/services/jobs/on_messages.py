"""Jobs on messages: a verb with all that match a filter, or with those that are named (api.md 2.11).

The ids are written down first. Then so many at a time are done, those that are sent on in waves (`pace`), so that they
do not fill the queue in front of fresh mail.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.domain.errors import Rejected, unknown_reference
from chalicelib.domain.jobs import Job, JobError, Piece
from chalicelib.domain.message_verbs import VERBS, MessageVerb
from chalicelib.domain.model import MessageRecord, State
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.tenancy.audit import Acting, Actor
from chalicelib.ports.acting import acting
from chalicelib.ports.clock import Clock
from chalicelib.ports.jobs import Jobs
from chalicelib.ports.messages import MessageStore
from chalicelib.services.jobs import pace
from chalicelib.services.jobs.do_verb import SUSPENDED, Done, DoVerb, Item, Task
from chalicelib.services.jobs.kinds import (
    LOOKED_AT,
    LOOKING_SECONDS,
    MOST_SAMPLES,
    JobOwner,
    ListState,
    Looked,
    Parameters,
    Skipped,
)
from chalicelib.services.jobs.mail_found import FILTERS, MailFound, mail_filter
from chalicelib.services.jobs.over_list import part_found
from chalicelib.services.outgoing.numbers import MessageNumbers
from chalicelib.services.tenancy.directory import Directory

SLICE = 100
PAUSE_SECONDS = 0.05
PAUSES = 10
UNKNOWN_ENDPOINT = "This server has no such endpoint"


@dataclass(frozen=True, slots=True)
class MailState(ListState):
    """Where it is: how far in the part, and of the last wave that was sent on some messages with the attempt that they
    wait for, when that was, how large the next one is, and the least that any took."""

    at: int = 0
    flying: Sequence[Sequence[int]] = ()
    moved_at: float = 0
    wave: int = pace.FIRST
    least: float = 0


class MessageJobs:
    """What all of these types work with."""

    def __init__(  # what they find, do and make
        self,
        *,
        clock: Clock,
        jobs: Jobs,
        messages: MessageStore,
        found: MailFound,
        do: DoVerb,
        numbers: MessageNumbers,
        directory: Directory,
    ) -> None:
        self.clock = clock
        self.jobs = jobs
        self.messages = messages
        self.found = found
        self.do = do
        self.numbers = numbers
        self.directory = directory
        self.all = tuple(OnMessages(verb, self) for verb in VERBS)


class OnMessages:
    """The type of one verb."""

    is_of_organizations = False

    def __init__(self, verb: MessageVerb, shared: MessageJobs) -> None:
        self.type = verb.name
        self.fields = verb.fields | {"filter", "ids"}
        self.sends = verb.sends
        self._verb = verb
        self._with = shared

    def has_numbers(self, parameters: Parameters) -> bool:
        """Messages have."""
        return True

    def filters(self, parameters: Parameters) -> frozenset[str]:
        """Those of the list of messages."""
        return FILTERS

    def scope(self, parameters: Parameters) -> str:
        """Of writing messages, or of sending; of suppressions too where these are to be removed."""
        scope = "emails:send" if self.type == "resend" else "emails:write"
        return f"{scope} suppressions:write" if parameters.get("allow") else scope

    async def begin(self, owner: JobOwner, job: str, parameters: Parameters) -> Parameters:
        """As they were given. InvalidRequest for an endpoint that is not there, QuerySyntax."""
        await self._check(owner.number, parameters)
        return parameters

    async def look(self, owner: JobOwner, parameters: Parameters) -> Looked:
        """How many there are, of which status, and which would be left alone."""
        await self._check(owner.number, parameters)
        statuses, skipped = Counter[str](), Counter[str]()
        sample: list[str] = []
        count, position, is_over = 0, None, False
        until = self._with.clock.monotonic() + LOOKING_SECONDS
        while not is_over and count < LOOKED_AT and self._with.clock.monotonic() < until:
            records, position = await self._records(owner.number, parameters, position)
            is_over = position is None
            left = records[: LOOKED_AT - count]
            is_over = is_over and len(left) == len(records)
            count += len(left)
            for record in left:
                statuses[record.status.value] += 1
                if fault := self._fault(record):
                    skipped[f"It {fault}"] += 1
                elif len(sample) < MOST_SAMPLES:
                    sample.append(str(record.message.id))
        told = tuple(Skipped(detail, number) for detail, number in skipped.most_common())
        return Looked(count, is_over, tuple(sample), None, dict(statuses), told)

    async def piece(self, owner: ServerId, job: Job) -> Piece:
        """Some ids found, or some messages done, or a moment waited until those before are on their way."""
        state = MailState.parse(job.state)
        if not state.is_found:
            return await part_found(self._with.jobs, self, owner, job, state)
        if state.next >= state.parts:
            return Piece(state=job.state, is_last=True)
        if self.sends and state.flying:
            behind = await self._behind_wave(owner, state)
            if behind is None:
                return Piece(state=job.state)
            state = behind
        ids = await self._with.jobs.written_down(owner, job.id, state.next)
        some = ids[state.at : state.at + (state.wave if self.sends else SLICE)]
        ended = await self._act(owner, job, [Item.parse(one) for one in some])
        return _piece(state, ended, len(ids), self._with.clock.now())

    async def find(
        self, owner: ServerId, job: Job, position: str | None
    ) -> tuple[Sequence[str], str | None]:
        """A page of ids, those that are named all at once, with a name for each message that is to be made."""
        given = json.loads(job.parameters)
        if (named := given.get("ids")) is not None:
            ids, following = [MessageId(one) for one in dict.fromkeys(named)], None
        else:
            wanted = mail_filter(given.get("filter") or {}, job.created_at)
            page, following = await self._with.found.some(owner, wanted, position)
            ids = [one.message.id for one in page]
        names: list[Any] = [None] * len(ids)
        if self.type == "resend":
            names = list(await self._with.numbers.take(owner, len(ids)))
        return [Item(*one).text() for one in zip(ids, names, strict=True)], following

    async def shown(self, owner: ServerId, job: Job) -> Mapping[str, Any] | None:
        """Nothing but the counts."""
        return None

    async def _act(self, owner: ServerId, job: Job, items: Sequence[Item]) -> list[Done]:
        """Do it with each, some at the same time. TemporaryFailure when any is to be done again."""
        server = (await self._with.directory.fresh_servers([owner])).get(owner)
        if server is None:
            raise Rejected("The server was removed")
        if self.sends and server.is_suspended:
            return [Done(one, SUSPENDED) for one in items]
        parameters = json.loads(job.parameters)
        sender = await self._with.do.sender(server, parameters)
        task = Task(job.id, self.type, server, parameters, sender)
        refs = [(owner, one.id) for one in items]
        known = {one.message.id: one for one in await self._with.messages.get_many(refs)}
        room = asyncio.Semaphore(self._with.jobs.at_once)

        async def one(item: Item) -> Done:
            async with room:
                return await self._with.do.run(task, item, known.get(item.id))

        with acting(_acting(job)):
            ended = await asyncio.gather(*map(one, items), return_exceptions=True)
        for failed in ended:
            if isinstance(failed, BaseException):
                raise failed
        return [done for done in ended if isinstance(done, Done)]

    async def _behind_wave(self, owner: ServerId, state: MailState) -> MailState | None:
        """Where it is when the last wave has left, or stands for good; None while that may still come."""
        clock, left = self._with.clock, len(state.flying)
        refs = [(owner, MessageId(number)) for number, _ in state.flying]
        for _ in range(PAUSES):
            known = {one.message.id: one for one in await self._with.messages.get_many(refs)}
            left = sum(_waits(known.get(MessageId(one)), at) for one, at in state.flying)
            took = clock.now() - state.moved_at
            if left <= len(refs) * (1 - pace.GONE):
                wave, least = pace.next_wave(state.wave, took, state.least)
                return replace(state, flying=(), wave=wave, least=least)
            if took >= pace.LONGEST_STAND:
                return replace(state, flying=(), wave=pace.LEAST)
            await clock.sleep(PAUSE_SECONDS)
        return None

    async def _records(
        self, server: ServerId, parameters: Parameters, position: str | None
    ) -> tuple[Sequence[MessageRecord], str | None]:
        if (named := parameters.get("ids")) is not None:
            refs = [(server, MessageId(one)) for one in dict.fromkeys(named)]
            return await self._with.messages.get_many(refs), None
        wanted = mail_filter(parameters.get("filter") or {}, self._with.clock.now())
        return await self._with.found.some(server, wanted, position)

    def _fault(self, record: MessageRecord) -> str | None:
        return "is being sent" if record.state is State.LEASED else self._verb.fault(record)

    async def _check(self, server: ServerId, parameters: Parameters) -> None:
        mail_filter(parameters.get("filter") or {}, self._with.clock.now())
        endpoint = parameters.get("endpoint")
        if endpoint is not None and await self._with.directory.endpoint(server, endpoint) is None:
            raise unknown_reference("endpoint", UNKNOWN_ENDPOINT)


def _piece(state: MailState, ended: Sequence[Done], size: int, now: float) -> Piece:
    """What is remembered of some that are done."""
    at = state.at + len(ended)
    over = {"next": state.next + 1, "at": 0} if at >= size else {"at": at}
    sent_on = pace.looked_at([list(one.flies) for one in ended if one.flies])
    faults = [JobError(str(one.item.id), one.fault) for one in ended if one.fault]
    return Piece(
        state=state.text(flying=sent_on, moved_at=now, **over),
        done=len(ended) - len(faults),
        failed=len(faults),
        errors=tuple(faults),
    )


def _waits(record: MessageRecord | None, attempt: int) -> bool:
    return record is not None and record.attempt == attempt and record.state is not State.DONE


def _acting(job: Job) -> Acting:
    """Whoever asked for the job."""
    actor = Actor(job.actor_kind, job.created_by, job.actor_id)
    return Acting(actor, job.address, job.request_id, job=job.id)
