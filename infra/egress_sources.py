"""The egress sources of hosts: after a deployment the control table has one for each address of each host.

It decides nothing about which source a message takes, and leaves alone what a person has set about a source.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from chalicelib import bootstrap
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.tenancy.sources import EgressKind, EgressSource
from chalicelib.services.pools.sources import Sources
from infra.order import Order
from infra.outputs import program_of
from infra.stack import Say


def sources_of(order: Order, outputs: Mapping[str, str]) -> Iterator[EgressSource]:
    """The egress sources that the deployed hosts stand for: one an address, named `pool-1`, `pool-2` and so on."""
    for pool, count in order.hosts.items():
        deliver = f"Deliver{pool.capitalize()}"
        for nth in range(1, count + 1):
            address = outputs[f"{deliver}PrivateAddress{nth}"]
            yield EgressSource(
                f"{pool}-{nth}",
                pool,
                EgressKind.SOCKS5,
                address=address,
                host=outputs[f"{deliver}ProxyHost"],
                port=int(outputs[f"{deliver}ProxyPort"]),
                username=address,
            )


def bring_sources(order: Order, outputs: Mapping[str, str], say: Say) -> None:
    """Bring the sources of all hosts into the control table, with the password that the host has."""
    if not order.hosts:
        return
    program = program_of(order.target, outputs, order.settings)
    secrets = order.target.client("secretsmanager")
    passwords = {}
    for pool in order.hosts:
        secret = outputs[f"Deliver{pool.capitalize()}PasswordSecret"]
        passwords[pool] = str(secrets.get_secret_value(SecretId=secret)["SecretString"])
    bootstrap.run(write_sources(program, order, outputs, passwords, say))


async def write_sources(
    program: Posthorn,
    order: Order,
    outputs: Mapping[str, str],
    passwords: Mapping[str, str],
    say: Say,
) -> None:
    """Add or change the sources of the hosts, and remove those of addresses that a host no longer has."""
    wanted = {source.name: source for source in sources_of(order, outputs)}
    for name, source in wanted.items():
        if await program[Sources].bring(source, passwords[source.pool]):
            say(f"source {name}: mail of the pool {source.pool} leaves from {source.address}")
    for pool in order.hosts:
        host = outputs[f"Deliver{pool.capitalize()}ProxyHost"]
        for source in await program[Sources].of(pool):
            if source.kind is not EgressKind.SOCKS5:
                say(
                    f"source {source.name}: cannot be used from behind the egress host; see docs/deploy.md"
                )
            elif source.host == host and source.name not in wanted:
                await program[Sources].remove(source)
                say(f"source {source.name}: removed with its address")
