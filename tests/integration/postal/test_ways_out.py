"""IP pools: sources and pools on one host, a report on AWS; and nothing follows them where Postal has them off."""

from __future__ import annotations

from chalicelib.domain.tenancy.organizations import ORGANIZATIONS
from chalicelib.domain.tenancy.owners import ALL_ORGANIZATIONS, of_server
from chalicelib.domain.tenancy.pool_rules import POOL_RULES
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.repository import Repository
from chalicelib.services.pools.sources import Sources
from tests.integration.postal.conftest import Here
from tests.mariadb import Postal

POOLS = (
    "INSERT INTO ip_pools(id, name, uuid, `default`) VALUES (1, 'Shared', 'p1', 1), (2, 'Bulk mail', 'p2', 0)",
    "INSERT INTO ip_addresses(id, ip_pool_id, ipv4, hostname, priority) VALUES (1, 2, '192.0.2.1', 'B.example', 50)",
    "INSERT INTO organization_ip_pools(id, organization_id, ip_pool_id) VALUES (1, 1, 1), (2, 1, 2)",
    "INSERT INTO ip_pool_rules(id, uuid, owner_type, owner_id, ip_pool_id, from_text)"
    " VALUES (1, 'r1', 'Server', 2, 2, 'news.example')",
    "UPDATE servers SET ip_pool_id = 2 WHERE id = 2",
)


async def test_pools_come_where_they_can_be_there(here: Here, postal: Postal) -> None:
    for statement in POOLS:
        postal.run(statement)
    report = await here.bring(postal, config={"use_ip_pools": True})
    server, repository = await here.server(), here.posthorn[Repository]
    rules = await repository.all(POOL_RULES, of_server(server.id))
    (organization,) = await repository.all(ORGANIZATIONS, ALL_ORGANIZATIONS)
    if here.posthorn[WorkQueue].pools_are_deployed:
        assert (server.pool, rules, organization.pools) == ("default", [], ("default",))
        told = {one.what for one in report.notes if one.fit.value == "refused"}
        assert {"IP address 192.0.2.1", "pool bulk-mail"} <= told
        return
    assert (server.pool, organization.pools) == ("bulk-mail", ("bulk-mail", "default"))
    assert [(one.senders, one.pool) for one in rules] == [(("news.example",), "bulk-mail")]
    (source,) = await here.posthorn[Sources].of("bulk-mail")
    assert (source.address, source.ehlo, source.priority) == ("192.0.2.1", "b.example", 50)
    again = await here.bring(postal, config={"use_ip_pools": True})
    assert again.counts["sources"] == again.counts["pool rules"] == {"same": 1}


async def test_pools_that_postal_does_not_use_are_told_of(here: Here, postal: Postal) -> None:
    for statement in POOLS:
        postal.run(statement)
    report = await here.bring(postal)
    assert (await here.server()).pool == "default"
    assert "2 IP pools" in {one.what for one in report.notes}
