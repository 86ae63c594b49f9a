"""DNS as mail needs it."""

from __future__ import annotations

from typing import Protocol


class Resolver(Protocol):
    """DNS as mail needs it. Names are given as ASCII (A-labels) or Unicode; answers are lower-case without final dot.

    Raises TemporaryFailure (451 4.4.3) for SERVFAIL, refusals and time-outs.
    """

    async def mx(self, domain: str) -> tuple[tuple[int, str], ...]:
        """(preference, host) pairs; empty when the domain exists without MX. A null MX is ((0, ""),) (RFC 7505).
        NotFound when the domain does not exist (NXDOMAIN)."""

    async def addresses(self, host: str, *, whole: bool = False) -> tuple[str, ...]:
        """IPv6 then IPv4 addresses as text; empty when there are none (or no such host). When one family is not told,
        those of the other, or (`whole`) the failure."""

    async def txt(self, name: str) -> tuple[str, ...]:
        """TXT records, their strings joined; empty when there are none."""

    async def cname(self, name: str) -> str | None:
        """What a name is a CNAME for, or None when it has no CNAME record."""

    async def ns(self, zone: str) -> tuple[str, ...]:
        """The name servers of a zone; empty when the name exists and is no zone. NotFound when it does not exist."""

    async def ptr(self, address: str, *, whole: bool = False) -> tuple[str, ...]:
        """The PTR names of an address, as DNS gives them; empty when there are none (or that is no address). When DNS
        does not tell, none too, or (`whole`) the failure; without it this never raises."""
