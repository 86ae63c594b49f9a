"""A request to a track domain: what it asks for, who sent it and whether a machine did, and where it may be sent on.

Pure and linear in the length of what it reads. That a path has the right form says nothing about whether its token is
genuine, and `is_automatic` is a guess by what mail scanners and image proxies say of themselves (`machines`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from ipaddress import ip_address
from urllib.parse import parse_qsl, quote, unquote

from chalicelib.domain.tracking.machines import MACHINES, NAMELESS, PREFETCHING

LONGEST_PATH = 1_024
LONGEST_USER_AGENT = 500
LONGEST_LOCATION = 8_192
LONGEST_QUERY = 8_192
_SERVER_TOKEN = re.compile(r"[0-9A-Za-z]{1,32}")
_OUR_SERVER, _OUR_TOKEN = re.compile(r"[a-z]{6}"), re.compile(r"[0-9A-Za-z]{22}")
# Of 16 are those of Postal.
_TOKEN_END = re.compile(r"(/(?:img/)?[^/]+/(?:[0-9A-Za-z]{22}|[0-9A-Za-z]{16}))[^0-9A-Za-z]*+")
_UNRESERVED = "!#$%&'()*+,-./:;=?@[]_~"


class Wanted(Enum):
    """What a path asks for."""

    IMAGE = "image"
    LINK = "link"
    UNKNOWN_SERVER = "unknown_server"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Visit:
    """One request to a track domain, as whoever stands in front of us gives it. Header names are lower-case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    source_address: str


@dataclass(frozen=True, slots=True)
class Request:
    """What a visit asks for, with the two words of its path."""

    wanted: Wanted
    server_token: str = ""
    token: str = ""


def read_path(path: str) -> Request:
    """What a path asks for: `/img/{server}/{token}` or `/{server}/{token}` (contract section 7).

    Letters and digits may be percent-encoded. What stands behind a token and is neither is not the token's: mail
    programs take the full stop or bracket behind an address for a part of it."""
    if len(path) > LONGEST_PATH:
        return Request(Wanted.NOTHING)
    path = unquote(path)
    ended = _TOKEN_END.fullmatch(path)
    words = (path if ended is None else ended[1]).split("/")
    wanted = Wanted.LINK
    if len(words) == 4 and words[1] == "img":
        wanted = Wanted.IMAGE
        del words[1]
    if len(words) != 3 or words[0] or not words[1] or not words[2]:
        return Request(Wanted.NOTHING)
    server, token = words[1:]
    if wanted is Wanted.LINK and not _SERVER_TOKEN.fullmatch(server):
        return Request(Wanted.UNKNOWN_SERVER)
    return Request(wanted, server, token)


def is_tracked_path(path: str) -> bool:
    """Whether a path can be nothing but a tracked link's or image's, whatever the host."""
    if path.startswith("/img/"):
        return True
    asked = read_path(path)
    return (
        asked.wanted is Wanted.LINK
        and _OUR_SERVER.fullmatch(asked.server_token) is not None
        and _OUR_TOKEN.fullmatch(asked.token) is not None
    )


def has_source(query: str) -> bool:
    """Whether a query asks for another image through us, which nobody gets (contract section 7). Nobody has a reason
    for a query of more than 8 kB either."""
    if len(query) > LONGEST_QUERY:
        return True
    return any(name == "src" for name, _ in parse_qsl(query, keep_blank_values=True))


def user_agent_of(visit: Visit) -> str:
    """What the client says it is, in one line of at most 500 characters; what cannot be printed is a blank."""
    said = visit.headers.get("user-agent", "")
    if not said.isascii():
        # Servers that read header fields as Latin-1 hand on UTF-8 in pieces.
        with suppress(UnicodeError):
            said = said.encode("latin-1").decode("utf-8")
    return "".join(one if one.isprintable() else " " for one in said[:LONGEST_USER_AGENT])


def is_automatic(visit: Visit) -> bool:
    """Whether a visit looks like a machine's: a prefetch, a client that says so, or that says nothing at all.

    So is every method but GET, which is what following a link is.
    """
    if visit.method != "GET":
        return True
    for one in PREFETCHING:
        said = visit.headers.get(one.field, "")[:LONGEST_USER_AGENT].lower()
        if any(word in said for word in one.words):
            return True
    agent = user_agent_of(visit).strip().lower()
    return agent in NAMELESS or any(machine.word in agent for machine in MACHINES)


def address_of(visit: Visit, behind_cloudfront: bool) -> str:
    """The reader's address: what CloudFront says where nothing but CloudFront can call us, else who called us.

    A header that anybody can send, such as X-Forwarded-For, is never believed. Empty when there is no address.
    """
    if behind_cloudfront:
        host = visit.headers.get("cloudfront-viewer-address", "").rpartition(":")[0]
        if is_address(host.strip("[]")):
            return host.strip("[]")
    return visit.source_address if is_address(visit.source_address) else ""


def is_address(text: str) -> bool:
    """True for an IPv4 or IPv6 address without zone."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def location_of(url: str) -> str | None:
    """A stored URL as the value of a Location field: printable ASCII in one line, every other octet percent-encoded.

    None for what is no absolute http or https URL or is longer than 8 kB: nobody is sent there.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.lower() not in {"http", "https"} or not rest.strip("/"):
        return None
    if rest[0] in "/\\?#" or len(url) > LONGEST_LOCATION:
        return None
    encoded = quote(url, safe=_UNRESERVED, errors="replace")
    return encoded if len(encoded) <= 3 * LONGEST_LOCATION else None
