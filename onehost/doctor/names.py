"""Our names in DNS: what other servers and readers look up, and the reverse name that receivers judge us by."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from ipaddress import ip_address

import apsw

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.folder import CONTROL
from chalicelib.config import Settings
from chalicelib.domain.errors import NotFound, TemporaryFailure
from chalicelib.domain.json_values import parse_value
from chalicelib.domain.tenancy.dkim_key import DkimKey
from chalicelib.domain.tenancy.installation import INSTALLATION, Installation
from chalicelib.ports.resolver import Resolver
from chalicelib.services.own_records import OwnRecord, own_records
from onehost.doctor.families import mellowed
from onehost.doctor.finding import Finding, Findings, failed, not_checked, ok, warning
from onehost.doctor.host import Host
from onehost.setup.addresses import public_addresses
from onehost.storage.reading import reading

OWN_NAMES = ("smtp_hostname", "web_hostname", "return_path_domain", "spf_include")
EXAMPLES = {name: getattr(Settings(), name) for name in OWN_NAMES}
STEP_OF_NAMES = (
    "Set it to a name of your own, as `posthorn init` does where it writes the settings file"
)
REFUSED = "notices only stand in the log, and mail to the postmaster is refused"
NOBODY_READS = f"No postmaster is named: {REFUSED}"
NOTHING_SENDS = f"No server for system mail is named: {REFUSED}"
AT_PROVIDER = "Ask who gave you the address to set its reverse name to"


async def names(host: Host) -> Findings:
    """Each record that the installation needs but the reverse names."""
    examples = [
        failed(f"{name} is {example}, which is an example", STEP_OF_NAMES)
        for name, example in EXAMPLES.items()
        if getattr(host.settings, name) == example
    ]
    if examples:
        return examples
    addresses = host.addresses or public_addresses()
    records = own_records(host.settings, addresses, _key(host))
    return [
        await _judged(host.program[Resolver], record, addresses)
        for record in records
        if record.kind != "PTR"
    ]


async def reverse(host: Host) -> Findings:
    """Whether each address from which mail leaves has our name as its reverse name, and that leads back to it."""
    resolver, name = host.program[Resolver], host.settings.smtp_hostname
    try:
        published = await resolver.addresses(name)
    except TemporaryFailure as away:
        return [not_checked(away.public)]
    addresses = host.addresses or public_addresses() or published
    if not addresses:
        return [not_checked("the public address of this host is not known; name it with --address")]
    found = {one: await reversed_to(resolver, one, name, published) for one in addresses}
    return await mellowed(host, found)


async def reversed_to(
    resolver: Resolver, address: str, name: str, published: Sequence[str]
) -> Finding:
    """Whether the address has this name as its reverse name, and is among those published under it; what DNS does not
    tell is no fault."""
    try:
        found = await resolver.ptr(address, whole=True)
        if not _among(address, published):
            published = await resolver.addresses(name, whole=True)
    except TemporaryFailure as away:
        return not_checked(f"{address}: {away.public}")
    return _reversed(address, name, found, published)


def _reversed(address: str, name: str, found: Sequence[str], published: Sequence[str]) -> Finding:
    step = f"{AT_PROVIDER} {name}"
    if not found:
        return failed(f"{address} has no reverse name", step)
    if name.lower() not in found:
        return failed(f"The reverse name of {address} is {found[0]}, and not {name}", step)
    if not _among(address, published):
        there = ", ".join(published) or "nothing"
        return failed(
            f"The reverse name of {address} is {name}, which leads to {there}",
            f"Publish {_kind(address)} {name} {address}",
        )
    return ok(f"{address} is {name}, and back")


async def postmaster(host: Host) -> Findings:
    """Whether there is a postmaster, and a server that sends what is written to one."""
    settings = host.settings
    if not settings.postmaster:
        step = "Write postmaster, an address that somebody reads, into the settings"
        return [warning(NOBODY_READS, step)]
    if not settings.system_server:
        step = "Write system_server and system_from into the settings"
        return [warning(NOTHING_SENDS, step)]
    return [ok("There is a postmaster, and a server that writes to one")]


def _key(host: Host) -> DkimKey | None:
    """The installation's key, where there is an installation that can be read."""
    path = host.state / CONTROL
    if not path.exists():
        return None
    try:
        with reading(path) as db:
            rows = fetched(db, "SELECT value FROM nouns WHERE kind = ?", (INSTALLATION.word,))
    except apsw.Error:
        return None
    return parse_value(Installation, rows[0][0]).signing_key if rows else None


async def _judged(resolver: Resolver, record: OwnRecord, addresses: Sequence[str]) -> Finding:
    step = f"Publish {record.kind} {record.name} {record.value}"
    try:
        wrong = await _JUDGES[record.kind](resolver, record, addresses)
    except TemporaryFailure as away:
        return not_checked(away.public)
    if not wrong:
        return ok(f"{record.kind} {record.name}")
    return (failed if record.required else warning)(f"{wrong} ({record.purpose})", step)


async def _address(resolver: Resolver, record: OwnRecord, addresses: Sequence[str]) -> str:
    """It leads to this host; to anything where this host does not know its address."""
    found = await resolver.addresses(record.name)
    if not found:
        return f"{record.name} has no address"
    if addresses and not _among(record.value, found):
        return f"{record.name} leads to {', '.join(found)}, and not to {record.value}"
    return ""


async def _leads(resolver: Resolver, record: OwnRecord, _addresses: Sequence[str]) -> str:
    """It leads somewhere: a name may be an alias, or have addresses of its own."""
    return "" if await resolver.addresses(record.name) else f"{record.name} has no address"


async def _mail(resolver: Resolver, record: OwnRecord, _addresses: Sequence[str]) -> str:
    host = record.value.split()[-1].lower()
    try:
        found = [name for _, name in await resolver.mx(record.name)]
    except NotFound:
        found = []
    if host in found:
        return ""
    return f"{record.name} has {'the MX ' + ', '.join(found) if found else 'no MX'}"


async def _text(resolver: Resolver, record: OwnRecord, addresses: Sequence[str]) -> str:
    found = await resolver.txt(record.name)
    if not record.value.startswith("v=spf1"):
        return "" if record.value in found else f"{record.name} has another text, or none"
    policies = [text.lower().split() for text in found if text.lower().startswith("v=spf1")]
    if len(policies) != 1:
        return f"{record.name} has {len(policies) or 'no'} SPF record{'s' if policies else ''}"
    own = record.value.lower().split()[1]
    as_good = {own, *(f"ip{ip_address(one).version}:{one}" for one in addresses)}
    return "" if as_good & set(policies[0]) else f"The SPF record of {record.name} lacks {own}"


def _among(address: str, found: Sequence[str]) -> bool:
    return ip_address(address) in {ip_address(one) for one in found}


def _kind(address: str) -> str:
    return "AAAA" if ":" in address else "A"


Judge = Callable[[Resolver, OwnRecord, Sequence[str]], Awaitable[str]]
"""What is wrong with a record; no text when it is right."""
_JUDGES: Mapping[str, Judge] = {
    "A": _address,
    "AAAA": _address,
    "CNAME": _leads,
    "MX": _mail,
    "TXT": _text,
}
