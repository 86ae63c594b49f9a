"""`posthorn pool`: pools, and the ways out that each has."""

from __future__ import annotations

from chalicelib.cli.commands import Group
from chalicelib.cli.session import Session
from chalicelib.cli.sources import state_of, way_of
from chalicelib.cli.terminal import table
from chalicelib.ports.clock import Clock
from chalicelib.services.pools.sources import Pool, Sources

STRAIGHT_OUT = "(none: straight out)"
NOT_DEPLOYED = "(not deployed: takes no mail)"


pool_group = Group("pool", "Pools: each server's mail leaves by the sources of its pool.")


@pool_group.command("list")
def list_all(session: Session) -> None:
    """List the pools with their sources. `server set --pool` moves a server."""
    found = session.call(session.posthorn[Sources].pools())
    now = session.posthorn[Clock].now()
    rows = [row for each in found for row in _rows(each, now)]
    text = table(rows, ("pool", "servers", "source", "kind", "way", "state"))
    session.show(found, text)


def _rows(pool: Pool, now: float) -> list[tuple[str, ...]]:
    """One line a source; the pool's name and its number of servers stand in the first. A pool without a queue has a
    line before them that says so."""
    lines = [
        (each.name, each.kind.value, way_of(each), state_of(each, now)) for each in pool.sources
    ]
    if not pool.has_queue:
        lines.insert(0, (NOT_DEPLOYED, "", "", ""))
    first, *rest = lines or [(STRAIGHT_OUT, "", "", "")]
    return [(pool.name, str(len(pool.servers)), *first), *(("", "", *line) for line in rest)]
