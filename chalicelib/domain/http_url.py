"""URLs that customers give us to post to, read in one way by whoever checks, shows and connects.

Only `http` and `https`, a host as the URL standard reads it, and nothing in front of the path that programs read
differently: no backslash, blank or control character, one `@` at most. User-info is taken apart, so that it is never
shown. No host is looked up, and none is refused for where it leads (`destination_guard`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address
from urllib.parse import quote, unquote

from chalicelib.domain.destination_guard import host_name, literal_address

LONGEST_URL = 2_000

_URL = re.compile(
    r"(?P<scheme>https?)://(?:(?P<user_info>[^/?#@]*)@)?(?P<host>\[[^\[\]/?#@]+\]|[^/?#@:\[\]]+)"
    r"(?::(?P<port>[0-9]{0,5}))?(?P<target>(?:[/?][^#]*)?)(?:#.*)?\Z",
    re.IGNORECASE,
)
_BROKEN = re.compile(r"[\x00-\x20\x7f\\\ud800-\udfff]")
_KEPT = "/?:@!$&'()*+,;=-._~%[]|^`{}\"<>"


@dataclass(frozen=True, slots=True)
class HttpUrl:
    """`host` is the name in ASCII, or the plain text of the address; `target` is what stands behind it, in ASCII;
    `bare` is the whole text without user-info, `user_info` as it stood in it, percent-encoded."""

    scheme: str
    host: str
    port: int
    target: str
    bare: str
    user_info: str = ""

    @property
    def authority(self) -> str:
        """Host and port as a Host field has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"http": 80, "https": 443}[self.scheme]
        return host if self.port == usual else f"{host}:{self.port}"


def read_url(text: str) -> HttpUrl | None:
    """The parts of a URL; None for what is none that can be posted to."""
    match = _URL.match(text) if len(text) <= LONGEST_URL and not _BROKEN.search(text) else None
    host = _host(match["host"]) if match else None
    if match is None or host is None:
        return None
    scheme = match["scheme"].lower()
    port = int(match["port"] or {"http": 80, "https": 443}[scheme])
    if not 0 < port < 65_536:
        return None
    target = match["target"]
    return HttpUrl(
        scheme,
        host,
        port,
        quote(target if target.startswith("/") else f"/{target}", safe=_KEPT),
        text[: match.end("scheme") + 3] + text[match.start("host") :],
        match["user_info"] or "",
    )


def _host(text: str) -> str | None:
    address = literal_address(text)
    if address is None:
        return None if text.startswith("[") else host_name(unquote(text))
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return None
    # What has a colon and no brackets would be a port.
    return str(address)


def with_user_info(url: str, user_info: str) -> str:
    """The URL with this in front of its host: `***` where it is shown."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{user_info}@{rest}" if user_info else url
