"""DNS as a domain's own name servers have it now."""

from __future__ import annotations

from typing import Protocol


class NameServers(Protocol):
    """What is published in DNS, past any cache: for checks, whose reader has just changed a record.

    Not for the mail path, which asks `chalicelib.ports.resolver.Resolver`.
    """

    async def published(self, name: str, kind: str) -> tuple[str, ...]:
        """The values of a type (`TXT`, `MX`, `CNAME`, `NS`, `A`, `AAAA`) at a name, in the order given.

        A chain of at most 8 aliases is followed, except for CNAME, whose only value is the first target. The strings of
        a TXT are joined; MX is `10 mx.example.com`, a null MX `0 .`; names are lower-case without final dot. Empty when
        there are none, no such name, or a chain that is longer or a circle. TemporaryFailure (451 4.4.3) when the name
        servers cannot be asked, fail, or do not agree.
        """
