"""SPF: whether a client may send with a domain (RFC 7208 section 4), as a generator that asks DNS.

At most 10 terms ask DNS in one check, and 2 of their answers may be empty; of MX hosts there may be 10. Local parts and
names are strangers' texts: what they make of a macro is a name that DNS knows, or does not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from chalicelib.domain.domain_name import ascii_name
from chalicelib.domain.incoming.asking import Ask, Asking, Kind, NoTelling
from chalicelib.domain.incoming.spf_record import (
    MACRO,
    Mechanism,
    SpfError,
    SpfRecord,
    read_record,
    spf_records,
)
from chalicelib.domain.inspection import Spf

MOST_LOOK_UPS = 10  # section 4.6.4
MOST_VOID = 2
MOST_HOSTS = 10
_PLAIN = {"%": "%", "_": " ", "-": "%20"}
_UNRESERVED = re.compile(r"[^A-Za-z0-9._~-]")


@dataclass(slots=True)
class _Check:
    """One check under way."""

    client: IPv4Address | IPv6Address
    sender: str
    helo: str
    look_ups: int = 0
    void: int = 0
    validated: tuple[str, ...] | None = None


def check_spf(client: str, mail_from: str, helo: str) -> Asking[Spf]:
    """The result for an address as text, an envelope sender ("" for null) and the name in HELO."""
    local, at, domain = mail_from.rpartition("@")
    looked_at = ascii_name((domain if at else helo).rstrip("."))
    address = _address(client)
    if looked_at is None or "." not in looked_at or address is None:
        return Spf("none", looked_at, client or None)
    check = _Check(address, f"{local or 'postmaster'}@{looked_at}", helo)
    try:
        result = yield from _of_domain(check, looked_at)
    except SpfError as wrong:
        result = wrong.result
    except NoTelling:
        result = "temperror"
    return Spf(result, looked_at, client)


def _address(client: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(client)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _of_domain(check: _Check, domain: str) -> Asking[str]:
    """What the record of a domain says of the client; none without one."""
    found = spf_records((yield Ask(Kind.TXT, domain)))
    if not found:
        return "none"
    if len(found) > 1:
        raise SpfError("permerror", "several records")
    record = read_record(found[0])
    for one in record.mechanisms:
        if (yield from _matches(check, one, domain)):
            return one.result
    return (yield from _redirected(check, record, domain))


def _redirected(check: _Check, record: SpfRecord, domain: str) -> Asking[str]:
    if record.redirect is None:
        return "neutral"
    _count(check)
    target = yield from _expanded(check, record.redirect, domain)
    result = (yield from _of_domain(check, target)) if ascii_name(target) else "none"
    if result == "none":
        raise SpfError("permerror", "the redirect leads to no record")
    return result


def _matches(check: _Check, one: Mechanism, domain: str) -> Asking[bool]:
    if one.name == "all":
        return True
    if one.network is not None:
        return check.client in one.network
    _count(check)
    target = yield from _expanded(check, one.domain, domain)
    if one.name == "include":
        return (yield from _included(check, target))
    if one.name == "exists":
        return bool((yield from _addresses(check, target, 4)))
    if one.name == "ptr":
        names = yield from _validated(check)
        return any(_is_within(name, target) for name in names)
    hosts: Sequence[str] = (target,)
    if one.name == "mx":
        hosts = (yield Ask(Kind.MX, target)) if target else ()
        _count_void(check, hosts)
        if len(hosts) > MOST_HOSTS:
            raise SpfError("permerror", "too many hosts that take mail")
    return (yield from _is_at(check, one, hosts))


def _is_at(check: _Check, one: Mechanism, hosts: Sequence[str]) -> Asking[bool]:
    """Whether the client is at an address of these hosts, as far as its length counts."""
    bits = one.bits4 if check.client.version == 4 else one.bits6
    around = ip_network(f"{check.client}/{bits}", strict=False)
    for host in hosts:
        found = yield from _addresses(check, host, check.client.version, counts=one.name == "a")
        if any(ip_address(each) in around for each in found):
            return True
    return False


def _included(check: _Check, target: str) -> Asking[bool]:
    result = (yield from _of_domain(check, target)) if ascii_name(target) else "none"
    if result == "none":
        raise SpfError("permerror", "what is included has no record")
    return result == "pass"


def _addresses(
    check: _Check, host: str, version: int, *, counts: bool = True
) -> Asking[tuple[str, ...]]:
    """The addresses of one family that a host has."""
    found = (yield Ask(Kind.ADDRESSES, host)) if host else ()
    of_family = tuple(each for each in found if (":" in each) is (version == 6))
    if counts:
        _count_void(check, of_family)
    return of_family


def _count_void(check: _Check, found: Sequence[str]) -> None:
    check.void += not found
    if check.void > MOST_VOID:
        raise SpfError("permerror", "too many names that do not exist")


def _count(check: _Check) -> None:
    check.look_ups += 1
    if check.look_ups > MOST_LOOK_UPS:
        raise SpfError("permerror", "too many look-ups")


def _validated(check: _Check) -> Asking[tuple[str, ...]]:
    """Those of the client's reverse names that lead back to it, of ten at most (section 5.5); one that DNS does not
    tell of is passed over."""
    if check.validated is None:
        found = []
        for name in (yield from _told(Kind.PTR, str(check.client)))[:MOST_HOSTS]:
            addresses = yield from _told(Kind.ADDRESSES, name)
            if check.client in map(ip_address, addresses):
                found.append(name.lower())
        check.validated = tuple(found)
    return check.validated


def _told(kind: Kind, name: str) -> Asking[tuple[str, ...]]:
    """What DNS tells; nothing where it does not."""
    try:
        return (yield Ask(kind, name))
    except NoTelling:
        return ()


def _reverse_name(check: _Check, domain: str) -> Asking[str]:
    """Of the validated names the domain itself, else one below it, else any; else `unknown` (section 7.3)."""
    names = yield from _validated(check)
    within = [name for name in names if _is_within(name, domain)]
    if domain.lower() in within:
        return domain
    return next(iter([*within, *names]), "unknown")


def _is_within(name: str, domain: str) -> bool:
    return f".{name}".endswith(f".{domain.lower().rstrip('.')}")


def _expanded(check: _Check, spec: str, domain: str) -> Asking[str]:
    """A domain with its macros expanded (section 7); the record's own where it names none. Cut from the left until it
    is no longer than a name may be."""
    if not spec:
        return domain
    pieces, at = [], 0
    for found in MACRO.finditer(spec):
        pieces.append(spec[at : found.start()])
        at = found.end()
        if found[5]:
            pieces.append(_PLAIN[found[5]])
            continue
        value = yield from _value(check, found[1].lower(), domain)
        value = _transformed(value, found[2], bool(found[3]), found[4] or ".")
        pieces.append(_escaped(value) if found[1].isupper() else value)
    name = "".join([*pieces, spec[at:]]).rstrip(".")
    while len(name) > 253 and "." in name:
        name = name.partition(".")[2]
    return name if name.isascii() else ascii_name(name) or ""


def _value(check: _Check, letter: str, domain: str) -> Asking[str]:
    local, _, sender_domain = check.sender.rpartition("@")
    client = check.client
    if letter == "p":
        return (yield from _reverse_name(check, domain))
    nibbles = ".".join(client.exploded.replace(":", "")) if client.version == 6 else str(client)
    values = {
        "s": check.sender,
        "l": local,
        "o": sender_domain,
        "d": domain,
        "i": nibbles,
        "v": "ip6" if client.version == 6 else "in-addr",
        "h": check.helo,
    }
    return values[letter]


def _transformed(value: str, digits: str, is_reversed: bool, delimiters: str) -> str:
    parts = re.split(f"[{re.escape(delimiters)}]", value)
    if is_reversed:
        parts.reverse()
    if digits:
        parts = parts[-int(digits) :]
    return ".".join(parts)


def _escaped(value: str) -> str:
    return "".join(
        "".join(f"%{octet:02X}" for octet in char.encode()) if _UNRESERVED.match(char) else char
        for char in value
    )
