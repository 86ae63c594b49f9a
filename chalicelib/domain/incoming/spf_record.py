"""SPF records, read by the grammar of RFC 7208 section 12: any fault in one makes all of it none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

RESULTS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral", "": "pass"}
LONGEST = 16_384  # characters of a record
MACRO = re.compile(r"%(?:\{([A-Za-z])([0-9]{0,3})(r?)([.+,/_=-]*)\}|([%_-]))", re.IGNORECASE)
"""A macro: its letter, digits, `r`, delimiters; or the one character that it stands for."""

_TERM = re.compile(r"[^ ]+")
_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=(.*)")
_MECHANISM = re.compile(r"([-+?~]?)([A-Za-z0-9]+)(?::([^/]*(?:/[^0-9/][^/]*)*))?((?:/.*)?)")
_LENGTHS = re.compile(r"(?:/(0|[1-9][0-9]?))?(?://(0|[1-9][0-9]{0,2}))?")
_VISIBLE = re.compile(r"[!-~]+")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")
_WITH_DOMAIN = {"include": True, "exists": True, "a": False, "mx": False, "ptr": False}
_LETTERS = frozenset("slodiphv")


class SpfError(Exception):
    """`permerror` or `temperror`, and why."""

    def __init__(self, result: str, reason: str) -> None:
        super().__init__(reason)
        self.result = result


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One mechanism: what it means where it matches, its name, the domain that it names ("" for the one whose record it
    is), the network of ip4 and ip6, and how many bits count of an IPv4 and an IPv6 address."""

    result: str
    name: str
    domain: str = ""
    network: IPv4Network | IPv6Network | None = None
    bits4: int = 32
    bits6: int = 128


@dataclass(frozen=True, slots=True)
class SpfRecord:
    """The mechanisms in order, and where to go on when none matches."""

    mechanisms: tuple[Mechanism, ...]
    redirect: str | None = None


def spf_records(texts: Sequence[str]) -> list[str]:
    """Those of the texts that are SPF records (section 4.5)."""
    return [text for text in texts if text[:7].lower() in ("v=spf1", "v=spf1 ")]


def read_record(text: str) -> SpfRecord:
    """Raises SpfError, `permerror`."""
    if len(text) > LONGEST:
        raise SpfError("permerror", "too long")
    mechanisms: list[Mechanism] = []
    modifiers: dict[str, str] = {}
    for term in _TERM.findall(text[6:]):
        modifier = _MODIFIER.fullmatch(term)
        if modifier is None:
            mechanisms.append(_mechanism(term))
            continue
        name = modifier[1].lower()
        if name in ("redirect", "exp"):
            if name in modifiers:
                raise SpfError("permerror", f"{name}= twice")
            modifiers[name] = _domain_spec(modifier[2])
        elif not _is_macro_string(modifier[2], _LETTERS | set("crt")):
            raise SpfError("permerror", "a modifier that cannot be read")
    return SpfRecord(tuple(mechanisms), modifiers.get("redirect"))


def _mechanism(term: str) -> Mechanism:
    parts = _MECHANISM.fullmatch(term)
    if parts is None:
        raise SpfError("permerror", "a term that cannot be read")
    qualifier, name, argument, lengths = parts[1], parts[2].lower(), parts[3], parts[4]
    result = RESULTS[qualifier]
    if name in ("ip4", "ip6"):
        return _of_network(result, name, term.partition(":")[2])
    if name == "all" and argument is None and not lengths:
        return Mechanism(result, name)
    if name not in _WITH_DOMAIN or (argument is None and _WITH_DOMAIN[name]):
        raise SpfError("permerror", "a mechanism that nobody knows, or without its domain")
    domain = "" if argument is None else _domain_spec(argument)
    bits4, bits6 = _bits(lengths) if name in ("a", "mx") else (32, 128)
    if lengths and name not in ("a", "mx"):
        raise SpfError("permerror", "a mechanism that has no length")
    return Mechanism(result, name, domain, bits4=bits4, bits6=bits6)


def _of_network(result: str, name: str, text: str) -> Mechanism:
    address, slash, length = text.partition("/")
    if slash and not re.fullmatch(r"0|[1-9][0-9]{0,2}", length):
        raise SpfError("permerror", "a length that cannot be read")
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise SpfError("permerror", "a network that cannot be read") from None
    if network.version != int(name[2]) or not address or "%" in text:
        raise SpfError("permerror", "an address of the other family")
    return Mechanism(result, name, network=network)


def _bits(lengths: str) -> tuple[int, int]:
    found = _LENGTHS.fullmatch(lengths)
    bits4, bits6 = (int(found[1] or 32), int(found[2] or 128)) if found else (33, 129)
    if bits4 > 32 or bits6 > 128:
        raise SpfError("permerror", "a length that cannot be read")
    return bits4, bits6


def _domain_spec(text: str) -> str:
    """A domain with macros as it stands (section 7.1)."""
    if not _is_macro_string(text, _LETTERS) or not _ends_as_domain(text):
        raise SpfError("permerror", "a domain that cannot be read")
    return text


def _ends_as_domain(text: str) -> bool:
    """Whether the end is a label that is no number, or a macro."""
    if text.endswith("}"):
        return MACRO.fullmatch(text, max(text.rfind("%{"), 0)) is not None
    _, dot, label = text.removesuffix(".").rpartition(".")
    return bool(dot) and _LABEL.fullmatch(label) is not None and not label.isdecimal()


def _is_macro_string(text: str, letters: frozenset[str] | set[str]) -> bool:
    plain = MACRO.sub("", text)
    found = list(MACRO.finditer(text))
    is_known = all(one[1].lower() in letters for one in found if one[1])
    has_zero = any(one[2] and int(one[2]) == 0 for one in found)
    return is_known and not has_zero and "%" not in plain and bool(_VISIBLE.fullmatch(text or "!"))
