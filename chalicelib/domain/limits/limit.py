"""One limit of sending: whose it is, for which period, how many messages, and what becomes of those above.

Pure. A message is under the limits of its server, of its organization and of the credential that let it in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from chalicelib.domain.limit_hold import LimitHold
from chalicelib.domain.model import Message
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.tenancy.credentials import Credential
from chalicelib.domain.tenancy.rate_limits import Rate
from chalicelib.domain.tenancy.send_limits import LimitAction, Period, SendLimits
from chalicelib.domain.tenancy.servers import Server

APPROACHING = 0.9
"""Which part of a limit is used when it is near."""


class OwnerKind(StrEnum):
    """Wire words, api.md 2.14."""

    ORGANIZATION = "organization"
    SERVER = "server"
    CREDENTIAL = "credential"


@dataclass(frozen=True, slots=True, order=True)
class LimitOwner:
    """Whose limits they are. `of` is the number of the organization, or else of the server, and `credential` the id of
    a credential of that server, or in the limit of a rate the stream of that server."""

    kind: OwnerKind
    of: int
    credential: str = ""

    @property
    def name(self) -> str:
        """What stores call it: unique in the installation."""
        return f"{self.kind.value[0]}{self.of}{self.credential and '/' + self.credential}"

    @staticmethod
    def called(name: str) -> LimitOwner:
        """The owner of a name."""
        kind = next(one for one in OwnerKind if one.value[0] == name[0])
        of, _, credential = name[1:].partition("/")
        return LimitOwner(kind, int(of), credential)


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """What one limit holds stands in one line, in the order of acceptance. `period` is the rate where that holds it."""

    owner: LimitOwner
    period: Period | Rate

    @property
    def name(self) -> str:
        """`server/hour`, as an operation tells who released a message."""
        return f"{self.owner.kind}/{self.period}"


class Holding(Protocol):
    """What holds mail in a line: a limit, or a rate."""

    @property
    def line(self) -> Line:
        """Where what it holds stands."""

    @property
    def most(self) -> int:
        """How many messages it lets through; of a rate the limit in hundredths of a percent."""


@dataclass(frozen=True, slots=True)
class RateLine:
    """A rate of an owner that holds mail above so many hundredths of a percent."""

    owner: LimitOwner
    rate: Rate
    most: int

    @property
    def line(self) -> Line:
        """Where what it holds stands."""
        return Line(self.owner, self.rate)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` messages in the period."""

    owner: LimitOwner
    period: Period
    most: int
    action: LimitAction = LimitAction.HOLD

    @property
    def line(self) -> Line:
        """Where what it holds stands."""
        return Line(self.owner, self.period)

    @property
    def words(self) -> str:
        """The details of what it holds (contract section 4.12)."""
        return f"Message held because send limit ({self.most}) has been reached."


def period_called(name: str) -> Period | Rate:
    """The period, or the rate, of a name."""
    return Rate(name) if name in set(Rate) else Period(name)


def limits_over(server: Server, credential: Credential | None = None) -> tuple[Limit, ...]:
    """All limits over mail of a server that came by this credential, narrowest owner first."""
    owners: list[tuple[OwnerKind, int, str, SendLimits]] = [
        (OwnerKind.SERVER, server.id, "", server.limits),
        (OwnerKind.ORGANIZATION, server.organization_id, "", server.organization_limits),
    ]
    if credential is not None:
        owners.insert(0, (OwnerKind.CREDENTIAL, server.id, credential.id, credential.limits))
    return tuple(
        Limit(LimitOwner(kind, of, name), period, most, limits.action)
        for kind, of, name, limits in owners
        for period, most in limits.most.items()
    )


def passed(limits: Sequence[Limit], line: Line | None) -> frozenset[Line]:
    """The lines that who comes from `line` need not stand in: that one, and those of narrower limits, before which it
    was already. So mail moves from narrow lines to wide ones, and never back because somebody waits there."""
    lines = [one.line for one in limits]
    return frozenset(lines[: lines.index(line) + 1]) if line in lines else frozenset()


def counted_at_acceptance(limits: tuple[Limit, ...]) -> tuple[Limit, ...]:
    """Those that refuse mail, and so count it when it is accepted."""
    return tuple(one for one in limits if one.action is LimitAction.REFUSE)


def marks_of(limits: tuple[Limit, ...], counted: tuple[Limit, ...]) -> str:
    """What a message remembers of its limits: `C`, `S`, `O` for owners that counted it when it was accepted, `c` where
    its credential has limits that did not."""
    capital = {one.owner.kind.value[0].upper() for one in counted}
    lower = {"c" for one in limits if one.owner.kind is OwnerKind.CREDENTIAL and "C" not in capital}
    return "".join(sorted(capital | lower))


def still_to_count(message: Message, limits: tuple[Limit, ...]) -> tuple[Limit, ...]:
    """Those that have not counted the message when it was accepted."""
    return tuple(
        one for one in limits if one.owner.kind.value[0].upper() not in (message.limits or "")
    )


def has_credential_limits(message: Message) -> bool:
    """Whether the credential that let it in had limits then."""
    return "c" in (message.limits or "").lower()


def hold_of(limit: Holding, until: float) -> LimitHold:
    """What a record remembers of the limit that holds it."""
    line = limit.line
    owner = line.owner
    return LimitHold(owner.kind, owner.of, owner.credential, line.period, limit.most, int(until))


def line_of(hold: LimitHold) -> Line:
    """The line that a held message stands in."""
    owner = LimitOwner(OwnerKind(hold.owner), hold.of, hold.credential)
    return Line(owner, period_called(hold.period))


def limit_of(hold: LimitHold) -> Holding:
    """The limit as it was when it held the message."""
    line = line_of(hold)
    if isinstance(line.period, Rate):
        return RateLine(line.owner, line.period, hold.most)
    return Limit(line.owner, line.period, hold.most)


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of a limit is used, and when that begins to be less."""

    limit: Limit
    used: int
    resets_at: float

    @property
    def is_near(self) -> bool:
        """Whether what is used comes near to what there is."""
        return self.used >= APPROACHING * self.limit.most


def shown(usage: Usage, moment: str) -> Mapping[str, Any]:
    """The object `limit` of api.md 2.14; `moment` is `resets_at` as text."""
    limit = usage.limit
    return {
        "owner": limit.owner.kind.value,
        "period": limit.period.value,
        "limit": limit.most,
        "used": usage.used,
        "action": limit.action.value,
        "resets_at": moment,
    }


@dataclass(frozen=True, slots=True, order=True)
class Standing:
    """A message in a line: when it was accepted, which it is, and the attempt of its record since it is held."""

    at: float
    server: ServerId
    message: MessageId
    attempt: int

    @staticmethod
    def of(message: Message, attempt: int) -> Standing:
        """Where a message stands in every line."""
        return Standing(message.received_at, message.server_id, message.id, attempt)
