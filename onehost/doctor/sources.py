"""The addresses that egress sources send from: whether this host has them, and what receivers find under them."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import ip_address, ip_network

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.tenancy.sources import EgressKind, EgressSource
from chalicelib.ports.clock import Clock
from chalicelib.ports.resolver import Resolver
from onehost.doctor.families import mellowed
from onehost.doctor.finding import Finding, Findings, failed, not_checked, ok
from onehost.doctor.host import Host
from onehost.doctor.names import reversed_to
from onehost.doctor.stored_sources import Unreadable, stored_sources

# Addresses that a router in front replaces by others (RFC 1918, 6598, 7335, 1112, 4193).
_REPLACED = [
    ip_network(one)
    for one in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.168.0.0/16",
        "240.0.0.0/4",
        "fc00::/7",
    )
]


async def sources(host: Host) -> Findings:
    """Each address of a source that connects from this host itself."""
    try:
        kept = stored_sources(host)
    except Unreadable as why:
        return [not_checked(str(why))]
    direct = [one for one in kept if one.kind is EgressKind.DIRECT]
    found = []
    for source in direct:
        addresses = filter(None, (source.address, source.address6))
        found += await mellowed(
            host, {one: await _examined(host, source, one) for one in addresses}
        )
    return found or [ok("No source has an address of its own: the system chooses")]


async def _examined(host: Host, source: EgressSource, address: str) -> Finding:
    if source.is_suspended(host.program[Clock].now()):
        return not_checked(f"source {source.name} with {address} is suspended")
    if reason := _cannot_bind(address):
        return failed(
            f"Source {source.name} sends from {address}, which this host cannot: {reason}",
            f"Give the address to this host (`ip address add`), or change it: `posthorn source set {source.name}`",
        )
    if any(ip_address(address) in network for network in _REPLACED):
        return not_checked(
            f"source {source.name} sends from {address} behind a router, whose address is not known"
        )
    resolver, name = host.program[Resolver], source.ehlo or host.settings.smtp_hostname
    try:
        published: Sequence[str] = await resolver.addresses(name)
    except TemporaryFailure as away:
        return not_checked(f"source {source.name} with {address}: {away.public}")
    return await reversed_to(resolver, address, name, published)


def _cannot_bind(address: str) -> str:
    """Why no connection can come from it; empty when one can."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((address, 0))
    except OSError as refused:
        return refused.strerror or str(refused)
    return ""
