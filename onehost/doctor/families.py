"""By which of IPv4 and IPv6 each source sends, and why not by the other (FCrDNS), as the hourly look decides it.

Asks DNS now; changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chalicelib.config import Settings
from chalicelib.domain.outgoing.reverse_names import Verdict, unused, version_of
from chalicelib.domain.tenancy.sources import EgressKind, EgressSource
from chalicelib.ports.clock import Clock
from chalicelib.services.pools.look_at_sources import OutwardAddresses
from chalicelib.services.pools.reverse_names import Known, ReverseNames
from onehost.doctor.finding import Finding, Findings, Result, failed, not_checked, ok, warning
from onehost.doctor.host import Host
from onehost.doctor.stored_sources import Unreadable, stored_sources
from onehost.setup.addresses import outgoing_addresses


class HostAddresses(OutwardAddresses):
    """Those that the system chooses on this host. The local stack, which delivers to private addresses, sends nothing
    to the world, and the addresses of its machine say nothing of it."""

    def __init__(self, settings: Settings) -> None:
        self._stays_inside = settings.allow_private_delivery

    def found(self) -> tuple[str, ...]:
        """The IPv4 and the IPv6 address, where there is a route."""
        return () if self._stays_inside else outgoing_addresses()


async def families(host: Host) -> Findings:
    """Each source that connects from this host itself."""
    try:
        stored = stored_sources(host)
    except Unreadable as why:
        return [not_checked(str(why))]
    direct = [one for one in stored if one.kind is EgressKind.DIRECT]
    now = host.program[Clock].now()
    outward = host.addresses or HostAddresses(host.settings).found()
    found = [
        await family_finding(host.settings, host.program[ReverseNames], source, outward)
        for source in direct
        if source.suspended_until <= now
    ]
    return found or [ok("No source sends from this host itself")]


async def mellowed(host: Host, found: Mapping[str, Finding]) -> Findings:
    """What was found of addresses, where what failed of one that no mail leaves from is only to be known."""
    known = await host.program[ReverseNames].of(found)
    not_by = unused({}, known) if host.settings.needs_reverse_names else {}
    return [
        warning(one.text, one.next_step)
        if one.result is Result.FAILED and not_by.get(version_of(address))
        else one
        for address, one in found.items()
    ]


async def family_finding(
    settings: Settings, names: ReverseNames, source: EgressSource, outward: Sequence[str]
) -> Finding:
    """By what a source sends; `outward` are the addresses of the system's choice."""
    own = [one for one in (source.address, source.address6) if one]
    known = await names.of(own or outward)
    if not known:
        return not_checked(f"source {source.name}: its addresses are not known")
    before = {4: source.unused4, 6: source.unused6}
    after = unused(before, known) if settings.needs_reverse_names else {}
    step = (
        "Ask who gave you the address to set its reverse name to"
        f" {source.ehlo or settings.smtp_hostname}, and publish the address under that name"
    )
    return _told(source.name, known, {family: why for family, why in after.items() if why}, step)


def _told(name: str, known: Known, not_by: dict[int, str], step: str) -> Finding:
    by = _named(set(known) - set(not_by))
    if 4 in not_by:
        text = f"Source {name} sends by {by} alone, and who has only IPv4 waits: {not_by[4]}"
        return failed(_sentence(text), step)
    if 6 in not_by:
        return warning(_sentence(f"Source {name} sends by {by} alone: {not_by[6]}"), step)
    wrong = " ".join(reason for _, reason in known.values() if reason)
    if all(verdict is Verdict.BAD for verdict, _ in known.values()):
        text = f"Source {name} sends by {by} all the same, and receivers turn it away: {wrong}"
        return failed(_sentence(text), step)
    if wrong:
        return warning(_sentence(f"Source {name} sends by {by} all the same: {wrong}"), step)
    if any(verdict is Verdict.UNTOLD for verdict, _ in known.values()):
        return not_checked(f"source {name} sends by {by}: DNS does not tell the reverse names")
    return ok(f"Source {name} sends by {by}")


def _named(families_: set[int]) -> str:
    return " and ".join(f"IPv{family}" for family in sorted(families_))


def _sentence(text: str) -> str:
    """As findings are written: without a full stop at the end."""
    return text.rstrip(".")
