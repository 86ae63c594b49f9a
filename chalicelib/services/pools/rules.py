"""Pool rules as people change them: of a server, or of an organization for all of its servers (api.md 2.20)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from chalicelib.domain.dns.records import is_domain_name
from chalicelib.domain.domain_name import typed_name
from chalicelib.domain.errors import INVALID, FieldError, InvalidRequest, TooMany
from chalicelib.domain.ids import random_letters
from chalicelib.domain.mail.mailbox import envelope_address
from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.owners import of_domain_owner
from chalicelib.domain.tenancy.pool_rules import POOL_RULES, PoolRule, in_order
from chalicelib.ports.clock import Clock
from chalicelib.ports.rand import Rand
from chalicelib.ports.repository import Guard, Repository

MOST_RULES = 100  # of a server, and of an organization
RULE_ID_LETTERS = 12
EMPTY = "A rule has an address or domain in one of its two lists at least"


@dataclass(frozen=True, slots=True)
class RuleOwner:
    """A server, or (None) its organization."""

    organization_id: OrganizationId
    server_id: ServerId | None = None


class PoolRules:
    """The rules of servers and organizations."""

    def __init__(self, repository: Repository, clock: Clock, rand: Rand) -> None:
        self._repository = repository
        self._clock = clock
        self._rand = rand

    async def that_act_on(self, owner: RuleOwner) -> tuple[PoolRule, ...]:
        """In the order in which they are asked: the server's newest first, then the organization's."""
        own = await self._of(owner) if owner.server_id is not None else []
        return in_order(own, await self._of(RuleOwner(owner.organization_id))).rules

    async def get(self, owner: RuleOwner, rule: str) -> PoolRule:
        """One of the owner's own, by id; NotFound."""
        return await self._repository.get(POOL_RULES, _place(owner, rule))

    async def create(
        self,
        owner: RuleOwner,
        pool: str,
        senders: list[str],
        recipients: list[str],
        guard: Guard | None = None,
    ) -> PoolRule:
        """A new rule, asked before the owner's others. InvalidRequest names lines that are neither address nor domain;
        TooMany when the owner has MOST_RULES."""
        rule = PoolRule(
            id=random_letters(self._rand.bytes(32), RULE_ID_LETTERS),
            organization_id=owner.organization_id,
            server_id=owner.server_id,
            number=0,
            created_at=int(self._clock.now()),
            pool=pool,
            senders=_lines("from", senders),
            recipients=_lines("to", recipients),
        )
        _check(rule)

        async def has_room() -> None:
            if guard is not None:
                await guard()
            if len(await self._of(owner)) >= MOST_RULES:
                whose = "An organization" if owner.server_id is None else "A server"
                raise TooMany(f"{whose} has at most {MOST_RULES} pool rules")

        made = replace(rule, number=await self._repository.next_number("pool rule"))
        await self._repository.add(POOL_RULES, made, has_room)
        return made

    async def change(
        self, owner: RuleOwner, rule: str, given: dict[str, Any], guard: Guard | None = None
    ) -> PoolRule:
        """Change `pool`, `from` and `to` of a rule; its place in the order stays. NotFound, and as `create`."""
        changes: dict[str, Any] = {name: given[name] for name in ("pool",) if name in given}
        for name, field in (("from", "senders"), ("to", "recipients")):
            if name in given:
                changes[field] = _lines(name, given[name])

        def changed(one: PoolRule) -> PoolRule:
            after = replace(one, **changes)
            _check(after)
            return after

        return await self._repository.modify(POOL_RULES, _place(owner, rule), changed, guard)

    async def remove(self, owner: RuleOwner, rule: str) -> None:
        """Forget a rule; NotFound."""
        await self._repository.remove(POOL_RULES, await self.get(owner, rule))

    async def _of(self, owner: RuleOwner) -> list[PoolRule]:
        place = _place(owner, "")
        return await self._repository.all(POOL_RULES, place.owner)


def _place(owner: RuleOwner, rule: str) -> Place:
    return Place(of_domain_owner(owner.organization_id, owner.server_id), rule)


def _check(rule: PoolRule) -> None:
    if not (rule.senders or rule.recipients):
        raise InvalidRequest(EMPTY, (FieldError("/from", "required", EMPTY),))


def _lines(field: str, lines: list[str]) -> tuple[str, ...]:
    """Each line once, in lower case, an address without its tag. InvalidRequest names what is none."""
    found: dict[str, None] = {}
    wrong: list[FieldError] = []
    for number, line in enumerate(lines):
        try:
            found[checked_line(line)] = None
        except InvalidRequest as none:
            wrong.append(FieldError(f"/{field}/{number}", INVALID, none.public))
    if wrong:
        raise InvalidRequest(wrong[0].detail, tuple(wrong))
    return tuple(found)


def checked_line(line: str) -> str:
    """An address without its tag or a domain, in lower case; InvalidRequest for what is neither."""
    read = _line(line.strip())
    if read is None:
        raise InvalidRequest(f"{line!r} is neither an address nor a domain")
    return read


def _line(text: str) -> str | None:
    if "@" not in text:
        name = typed_name(text) or ""
        return name if is_domain_name(name) else None
    address = envelope_address(text)
    if address is None:
        return None
    local, _, domain = address.lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"
