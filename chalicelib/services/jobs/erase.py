"""Erasing an address: everything that a server, or all servers of an organization, keep of it (api.md 5).

Messages from or to it go with all that hangs on them, then its entries of lists, then what is kept beside. What must
stay has the SHA-256 of the address in its place. At the end stands a proof, signed by the installation's key. Each
piece may be done again; a second job finds nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from chalicelib.domain.erasure import HASHED, Carries, Sought
from chalicelib.domain.jobs import Job, Piece
from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.suppression import Reason
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.owners import of_organization, of_server
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.domain.tenancy.told_fields import time_text
from chalicelib.ports.clock import Clock
from chalicelib.ports.imported_tokens import ImportedTokens
from chalicelib.ports.old_mail import MOST_FORGOTTEN, OldMail
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.repository import Repository
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.ports.traces import Traces
from chalicelib.services.erasure.erase_mail import EraseMail
from chalicelib.services.erasure.progress import COUNTED, KEPT, Progress
from chalicelib.services.erasure.what_stays import (
    count_nouns,
    count_people,
    forget_invitations,
    forget_searches,
)
from chalicelib.services.jobs.kinds import (
    LOOKED_AT,
    MOST_SAMPLES,
    JobOwner,
    Looked,
    Parameters,
)
from chalicelib.services.tenancy.request_signatures import RequestSignatures

STAYING = frozenset({Reason.UNSUBSCRIBE.text, Reason.COMPLAINT.text})


class Erase:
    """The type `erase`."""

    type = "erase"
    fields = frozenset({"address"})
    is_of_organizations = True
    sends = False

    def __init__(  # noqa: PLR0913  # all that may know an address
        self,
        *,
        clock: Clock,
        repository: Repository,
        old: OldMail,
        mail: EraseMail,
        suppressions: SuppressionList,
        traces: Traces,
        tokens: ImportedTokens,
        queue: WorkQueue,
        signatures: RequestSignatures,
    ) -> None:
        self._queue = queue
        self._clock = clock
        self._repository = repository
        self._old = old
        self._mail = mail
        self._suppressions = suppressions
        self._traces = traces
        self._tokens = tokens
        self._signatures = signatures

    def has_numbers(self, parameters: Parameters) -> bool:
        """Messages have."""
        return True

    def filters(self, parameters: Parameters) -> frozenset[str]:
        """None."""
        return frozenset()

    def scope(self, parameters: Parameters) -> str:
        """As for changing a server."""
        return "servers:write"

    async def begin(self, owner: JobOwner, job: str, parameters: Parameters) -> Parameters:
        """As they were given."""
        return parameters

    async def look(self, owner: JobOwner, parameters: Parameters) -> Looked:
        """How many messages there are from or to it, among the oldest LOOKED_AT."""
        sought, found, seen = Sought(parameters["address"]), list[str](), 0
        for server in await self._servers(owner.number):
            after = 0
            while seen < LOOKED_AT:
                page = await self._old.oldest(ServerId(server), after, MOST_FORGOTTEN)
                looked = await self._mail.look(sought, page)
                found += [str(one.message.id) for one, how in looked if how is Carries.ERASED]
                seen += len(page)
                if len(page) < MOST_FORGOTTEN:
                    break
                after = page[-1].message.id
        return Looked(len(found), seen < LOOKED_AT, tuple(found[:MOST_SAMPLES]))

    async def piece(self, owner: ServerId, job: Job) -> Piece:
        """Some messages, the lists, a step of the rest, or the proof."""
        progress = Progress(**json.loads(job.state)) if job.state else Progress()
        if not progress.owners:
            lists = [int(owner)] if owner < 0 else []
            progress.owners = [*await self._servers(owner), *lists]
        address = json.loads(job.parameters)["address"]
        if progress.phase == "proof":
            return await self._end(job, address, progress)
        sought = Sought(address)
        if progress.at >= len(progress.owners):
            return await self._forget_itself(sought, progress)
        before = _gone(progress)
        others = await self._go_on(ServerId(progress.owners[progress.at]), sought, progress)
        done = _gone(progress) - before + others
        return Piece(state=json.dumps(asdict(progress)), matched=done, done=done)

    async def shown(self, owner: ServerId, job: Job) -> Mapping[str, Any] | None:
        """What went, what stays, and the proof."""
        found: dict[str, Any] | None = json.loads(job.result) if job.result else None
        return found

    async def _go_on(self, owner: ServerId, sought: Sought, progress: Progress) -> int:
        """How much went that no count has."""
        if progress.phase == "messages":
            if owner < 0 or await self._mail.part(owner, sought, progress):
                progress.phase = "lists"
            return 0
        if progress.phase == "lists":
            progress.suppressions += await self._lists(owner, sought)
            progress.phase, progress.position = "rest", None
            return 0 if owner < 0 else len(await self._tokens.forget(owner, sought.address))
        step = await self._traces.step(owner, sought, progress.position)
        progress.events += step.events
        progress.position = step.next
        if step.next is not None:
            return step.others
        progress.at, progress.phase = progress.at + 1, "messages"
        letters = await self._queue.forget_dead(owner, sought) if owner > 0 else 0
        return step.others + letters

    async def _servers(self, owner: ServerId) -> list[int]:
        if owner > 0:
            return [int(owner)]
        servers = await self._repository.all(SERVERS, of_organization(OrganizationId(-owner)))
        return sorted(int(one.id) for one in servers)

    async def _lists(self, owner: ServerId, sought: Sought) -> int:
        """Take it off a list; what a recipient said acts on, under what stands for the address."""
        now, gone = self._clock.now(), 0
        for entry in await self._suppressions.of(owner, sought.address, now):
            if entry.reason in STAYING:
                there = await self._suppressions.of(owner, sought.digest, now)
                same = next((one for one in there if one.stream == entry.stream), None)
                hidden = replace(entry, address=sought.digest, note=None)
                await self._suppressions.put(owner, hidden, same, now)
            await self._suppressions.remove(owner, entry)
            gone += 1
        return gone

    async def _forget_itself(self, sought: Sought, progress: Progress) -> Piece:
        """Count what stays; from here on the job knows no more than the hash."""
        for number in progress.owners:
            if number > 0:
                await forget_searches(self._repository, ServerId(number), sought)
                _add(progress, await count_nouns(self._repository, ServerId(number), sought))
        for organization in await self._organizations(progress.owners):
            await forget_invitations(self._repository, organization, sought)
            _add(progress, await count_people(self._repository, organization, sought))
        progress.phase = "proof"
        parameters = {"address": sought.digest.removeprefix(HASHED)}
        return Piece(state=json.dumps(asdict(progress)), parameters=json.dumps(parameters))

    async def _organizations(self, owners: Sequence[int]) -> set[OrganizationId]:
        """Whose the owners are."""
        places = [Place(of_server(one)) for one in owners if one > 0]
        servers = await self._repository.get_many(SERVERS, places)
        own = {OrganizationId(-one) for one in owners if one < 0}
        return own | {one.organization_id for one in servers.values()}

    async def _end(self, job: Job, digest: str, progress: Progress) -> Piece:
        await self._traces.scrub()
        counts = {name: getattr(progress, name) for name in COUNTED}
        claims = {
            "tenant": job.tenant,
            "address_sha256": digest,
            "counts": counts,
            "at": time_text(int(self._clock.now())),
        }
        kept = {name: progress.kept.get(name, 0) for name in KEPT}
        proof = await self._signatures.token(claims)
        result = json.dumps({**counts, "kept": kept, "proof": proof})
        return Piece(result=result, is_last=True)


def _add(progress: Progress, counted: Mapping[str, int]) -> None:
    for name, count in counted.items():
        progress.kept[name] = progress.kept.get(name, 0) + count


def _gone(progress: Progress) -> int:
    return progress.emails + progress.suppressions + progress.events
