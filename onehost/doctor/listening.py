"""Whether the ports of mail are heard by IPv6 where our names have IPv6 addresses: who publishes one is called there.

Looks at the table of the system, where it has one (Linux), and connects to nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from chalicelib.config import Settings
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.ports.resolver import Resolver
from gateway.configuration import Configuration, Role
from onehost.doctor.finding import Finding, Findings, failed, not_checked, ok
from onehost.doctor.host import Host
from onehost.serving import serving

TABLE = Path("/proc/self/net/tcp6")
_LISTENS = "0A"
_LOOPBACK = "00000000000000000000000001000000"  # ::1 as the table writes it
_MAPPED = "0000000000000000FFFF0000"
STEP = 'Set gateway_bind = "::", which takes IPv4 too, or take the IPv6 address of the name away'


async def listening(host: Host) -> Findings:
    """Each of our names that mail comes in by."""
    resolver = host.program[Resolver]
    found = []
    for name, roles in called(host).items():
        try:
            addresses = await resolver.addresses(name, whole=True)
        except TemporaryFailure as away:
            found.append(not_checked(away.public))
            continue
        if any(":" in one for one in addresses):
            found.append(_judged(host, name, roles))
    return found or [ok("No name that mail comes in by has an IPv6 address")]


def called(host: Host) -> dict[str, Sequence[Role]]:
    """Our names that are no examples, and what others want who call there."""
    settings, examples = host.settings, Settings()
    known = {
        **dict.fromkeys(settings.mx_host_names, (Role.MX,)),
        settings.smtp_hostname.lower(): tuple(Role),
    }
    ours = known.keys() - {*examples.mx_host_names, examples.smtp_hostname}
    return {name: roles for name, roles in known.items() if name in ours}


def closed_by_ipv6(
    configuration: Configuration, roles: Sequence[Role], open_ports: frozenset[int]
) -> list[int]:
    """The ports of these roles that are switched on, and not open by IPv6."""
    wanted = [port for role, port in configuration.listeners if role in roles and port > 0]
    return [port for port in wanted if port not in open_ports]


def ports_by_ipv6(table: Path = TABLE) -> frozenset[int] | None:
    """The ports on which others are heard by IPv6; None where the system does not tell."""
    try:
        with table.open("r", encoding="ascii", errors="replace") as lines:
            next(lines, None)  # the names of the columns
            return frozenset(_listening(lines))
    except OSError:
        return None


def _listening(lines: Iterable[str]) -> Iterator[int]:
    """Connections, of which there may be many, follow what listens, and are not read."""
    for line in lines:
        words = line.split()
        if len(words) < 4 or words[3] != _LISTENS:
            return
        address, _, port = words[1].partition(":")
        if address != _LOOPBACK and not address.startswith(_MAPPED):
            yield int(port, 16)


def _judged(host: Host, name: str, roles: Sequence[Role]) -> Finding:
    open_ports = ports_by_ipv6()
    if serving(host.state) is None or open_ports is None:
        if ":" in host.configuration.gateway_bind:
            return ok(f"{name} has an IPv6 address, and gateway_bind is one")
        return not_checked(f"{name} has an IPv6 address: whether it is heard shows when it serves")
    closed = closed_by_ipv6(host.configuration, roles, open_ports)
    if not closed:
        return ok(f"{name} has an IPv6 address, and answers there")
    ports = ", ".join(map(str, closed))
    return failed(f"{name} has an IPv6 address, where nobody listens on port {ports}", STEP)
