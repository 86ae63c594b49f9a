"""All checks, in the order in which they are printed, and running them."""

from __future__ import annotations

from collections.abc import Sequence

from onehost.doctor.backups import backups
from onehost.doctor.certificate import certificate
from onehost.doctor.disk import flushes
from onehost.doctor.families import families
from onehost.doctor.finding import Findings, not_checked
from onehost.doctor.host import Check, Host
from onehost.doctor.https import https
from onehost.doctor.listening import listening
from onehost.doctor.names import names, postmaster, reverse
from onehost.doctor.ports import open_files, ports
from onehost.doctor.searches import searches
from onehost.doctor.sources import sources
from onehost.doctor.state import folder, key, room, versions
from onehost.doctor.world import clock, port_25, port_25_by_ipv6

CHECKS = (
    Check("versions", "Python, SQLite and the schemas of the databases", versions),
    Check("state folder", "its owner, its modes and its file system", folder),
    Check("key", "whether the key file is the one that sealed the secrets", key),
    Check("searches", "the index of mail that can be lost", searches),
    Check("space", "free space of the state folder", room),
    Check("backups", "whether they are made, taken away and proven", backups),
    Check("fsync", "how long the disk takes to keep something", flushes),
    Check("open files", "how many files a process may have open", open_files),
    Check("ports", "whether they can be listened on, or are ours", ports),
    Check("ports IPv6", "whether they are heard by IPv6, where our names lead", listening),
    Check("certificate", "names and end of the TLS certificate", certificate),
    Check("https", "HTTPS at our names, and the end of its certificates", https),
    Check("dns", "the records of our names", names),
    Check("reverse name", "PTR of our addresses, and back", reverse),
    Check("postmaster", "whether somebody reads what concerns this host", postmaster),
    Check("sources", "addresses that egress sources send from", sources),
    Check("families", "which of IPv4 and IPv6 each source sends by", families),
    Check("port 25", "whether other mail servers can be reached by IPv4", port_25),
    Check("port 25 IPv6", "whether they can be reached by IPv6", port_25_by_ipv6),
    Check("clock", "whether it is right", clock),
)
SETTINGS = "settings"


async def examine(host: Host) -> list[tuple[str, Findings]]:
    """The findings of each check, by its name."""
    return [(check.name, await _looked(check, host)) for check in CHECKS]


def unexamined(reason: str) -> list[tuple[str, Findings]]:
    """Every check, not made."""
    return [(check.name, [not_checked(reason)]) for check in CHECKS]


async def _looked(check: Check, host: Host) -> Findings:
    try:
        return await check.run(host)
    except Exception as unforeseen:  # a check that breaks must not hide what the others see
        return [not_checked(f"the check broke ({type(unforeseen).__name__}: {unforeseen})")]


def about(name: str) -> str:
    """What a check looks at."""
    found: Sequence[str] = [check.about for check in CHECKS if check.name == name]
    return found[0] if found else "whether the settings can be read"
