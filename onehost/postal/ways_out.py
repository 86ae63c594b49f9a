"""Postal's IP pools: on one host their addresses become sources; on AWS they are deployed, and only told of."""

from __future__ import annotations

from chalicelib.domain.postal.config import PostalConfig
from chalicelib.domain.postal.rows import number, text
from chalicelib.domain.postal.tenants import NO_POOLS, Pools, pools_of
from chalicelib.domain.postal.wanted import refused, told
from chalicelib.domain.postal.ways_out import pool_names, source_of
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.repository import Repository
from onehost.postal.bring import Bring
from onehost.postal.database import Database
from onehost.postal.memory import Memory

GROUP = "installation"
OFF = "pools are switched off in Postal (use_ip_pools), so that nothing follows them"


async def bring_ways_out(main: Database, bring: Bring, config: PostalConfig) -> Pools:
    """The pools that are there by then."""
    rows = await main.all("ip_pools")
    if not rows:
        return NO_POOLS
    if not config.use_ip_pools:
        bring.report.note(told(f"{len(rows)} IP pools", OFF))
        return NO_POOLS
    queue, names = bring.program[WorkQueue], pool_names(rows)
    if queue.pools_are_deployed:
        there = set(await queue.pools())
        for row in await main.all("ip_addresses"):
            pool = names.get(number(row, "ip_pool_id") or 0, "?")
            why = f"sources of the pool {pool} are deployed on AWS: deploy it, and add {text(row, 'hostname')}"
            bring.report.note(refused(f"IP address {text(row, 'ipv4')}", why))
        for name in sorted(set(names.values()) - there):
            bring.report.note(refused(f"pool {name}", "it is not deployed here"))
        names = {there_number: name for there_number, name in names.items() if name in there}
    else:
        memory = await Memory(bring.program[Repository], GROUP, dry_run=bring.dry_run).read()
        for row in await main.all("ip_addresses"):
            await bring.noun(memory, source_of(row, names))
    return pools_of(await main.all("organization_ip_pools"), names)
