"""Forgetting a server that is gone: all that is kept of it beside the configuration."""

from __future__ import annotations

from typing import Protocol

from chalicelib.domain.numbering import ServerId


class ServerPurge(Protocol):
    """Removes what belongs to the number of a server, content first: messages with their logs, bodies, links, opens and
    clicks; jobs, uploads, suppressions, reports, counters, rates, first answers, and the numbers that it gave out.

    A number below zero is that of an organization, which has first answers, and counts and lines of its send limits.
    """

    async def step(self, server: ServerId, shards: int) -> int:
        """Remove some of it, in at most a second or so; how much went, 0 when there is nothing. Repeated until then it
        removes everything, wherever an earlier call ended."""
