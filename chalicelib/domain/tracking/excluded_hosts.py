"""Hosts whose links stay as they are: how an entry of the list is written, and which addresses it means.

An entry is a name (`example.com`), a name with a port (`example.com:8443`), or all names below one (`*.example.com`). A
name alone means the usual port of http and of https. Names are compared as DNS does, without a look at DNS: letters of
any case, with or without the last dot, and names beyond ASCII as `domain.domain_name` converts them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from chalicelib.domain.domain_name import typed_name

LONGEST_HOST = 261  # an asterisk and a dot, a name, a colon and a port
_USUAL_PORTS = {"http": 80, "https": 443}
_ADDRESS6 = re.compile(r"\[[0-9A-Fa-f:.]+\]")
_SPLIT = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(?::([0-9]{0,5}))?")


def read_host(text: str) -> str | None:
    """An entry as it is stored, in lower case and in ASCII; None for what is none."""
    split = _SPLIT.fullmatch(text.strip())
    if split is None or len(text) > LONGEST_HOST:
        return None
    typed, port = split[1], split[2]
    if _ADDRESS6.fullmatch(typed):
        name = typed.lower()
    else:
        host = typed_name(typed.removeprefix("*."))
        if host is None:
            return None
        name = f"*.{host}" if typed.startswith("*.") else host
    if port is None:
        return name
    return f"{name}:{int(port)}" if port and 0 < int(port) < 65_536 else None


class ExcludedHosts:
    """A list of entries. One that `read_host` does not know means what is written there, letter for letter."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._exact: set[str] = set()
        self._below: set[str] = set()
        for entry in entries:
            host = read_host(entry) or entry.lower()
            if host.startswith("*."):
                self._below.add(host[2:])
            else:
                self._exact.add(host)

    def has(self, url: str, host: str) -> bool:
        """Whether the list means an address; `host` is that of the address, in lower case, with its port if it has
        one."""
        for name in _names(url.partition(":")[0].lower(), host):
            if name in self._exact or (self._below and self._is_below(name)):
                return True
        return False

    def _is_below(self, name: str) -> bool:
        labels = name.split(".") if len(name) <= LONGEST_HOST else []
        return any(".".join(labels[number:]) in self._below for number in range(1, len(labels)))


def _names(scheme: str, host: str) -> list[str]:
    """How entries may write this host."""
    split = _SPLIT.fullmatch(host)
    if split is None:
        return [host]
    name, usual = split[1].removesuffix("."), _USUAL_PORTS.get(scheme)
    port = int(split[2]) if split[2] else usual
    return [f"{name}:{port}", name] if port == usual else [f"{name}:{port}"]
