"""The ways out of pools."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from chalicelib.domain.tenancy.entity import Entity, Place
from chalicelib.domain.tenancy.owners import of_pool


class EgressKind(StrEnum):
    """How a source reaches the world."""

    DIRECT = "direct"
    SOCKS5 = "socks5"
    SMARTHOST = "smarthost"


@dataclass(frozen=True, slots=True)
class EgressSource:
    """One way out, as data. `address` and `address6` are local addresses to bind (empty: the system's choice);
    `host`/`port` name the SOCKS5 proxy or the smarthost; `username`/`sealed_password` its AUTH.

    What was found about it hour by hour, and since when (`looked_at`): `unused4` and `unused6` say why mail does not
    leave by IPv4 or IPv6, and are empty where it may; `listed` names the lists that it is on, as JSON; `suspended_for`
    says for which of them it is suspended until they have it no longer. `suspended_until` is a person's word."""

    name: str
    pool: str = "default"
    kind: EgressKind = EgressKind.DIRECT
    address: str = ""
    address6: str = ""
    ehlo: str = ""
    priority: int = 100
    host: str = ""
    port: int = 0
    username: str = ""
    sealed_password: bytes | None = None
    tls: str = "opportunistic"  # opportunistic | required | implicit | none
    suspended_until: int = 0
    looked_at: int = 0
    unused4: str = ""
    unused6: str = ""
    listed: str = ""
    suspended_for: str = ""

    def is_suspended(self, now: float) -> bool:
        """Whether a person, or a list, has it left alone."""
        return self.suspended_until > now or bool(self.suspended_for)

    def changed(self, **fields: Any) -> EgressSource:
        """With other values; what was found of other addresses is forgotten, and those that the system chooses are
        others for another kind."""
        after = replace(self, **fields)
        if after.leaves_as(self):
            return after
        return replace(after, looked_at=0, unused4="", unused6="", listed="", suspended_for="")

    def leaves_as(self, other: EgressSource) -> bool:
        """Whether receivers find the same under what mail leaves from."""
        mine, its = ((one.kind, one.address, one.address6) for one in (self, other))
        return mine == its

    @property
    def is_left_alone(self) -> bool:
        """Whether nobody uses it for a while when it could not do its part."""
        return True

    @property
    def context(self) -> dict[str, str]:
        """The associated data under which `sealed_password` is sealed."""
        return {"item": "egress", "source": self.name}


SOURCES = Entity(
    EgressSource,
    "egress source",
    place=lambda one: Place(of_pool(one.pool), one.name),
    owners="POOLS",
    filters=("kind",),
    texts=("name", "host"),
    sealed=("sealed_password",),
    audited="source",
)
