"""The URLs of those whom we post to, as people give them: HTTP endpoints, webhooks, replays to elsewhere.

User-info is never shown; who changes such a URL may keep it by `***`, but only for the same place. Names are looked up
by whoever connects; only addresses are refused here.
"""

from __future__ import annotations

from chalicelib.domain.destination_guard import DestinationGuard
from chalicelib.domain.errors import wrong_field
from chalicelib.domain.http_url import HttpUrl, read_url

HIDDEN = "***"
CLOSED = "Private, loopback and reserved addresses are refused"
WRONG_URL = "This is no http or https URL with a host"
UNKNOWN_USER_INFO = "The user-info is not known: give it in full"
MOVED_URL = (
    f"{HIDDEN} keeps the user-info only while scheme, host and port stay the same: give it in full"
)


def checked_url(text: str, guard: DestinationGuard) -> HttpUrl:
    """The URL; InvalidRequest for what is none, or leads to an address that is closed."""
    url = read_url(text)
    if url is None:
        raise wrong_field("url", WRONG_URL)
    check_open("url", url.host, guard)
    return url


def check_user_info_stays(before: str, *, has_user_info: bool, given: str) -> None:
    """InvalidRequest when user-info that nobody is shown would go to another place than the one it was given for.
    `before` is the URL that it was given with, `given` the new one."""
    url = read_url(given)
    if url is None or url.user_info != HIDDEN:
        return
    if not has_user_info:
        raise wrong_field("url", UNKNOWN_USER_INFO)
    if not same_place(given, before):
        raise wrong_field("url", MOVED_URL)


def same_place(one: str, other: str) -> bool:
    """Whether two URLs lead to the same server."""
    first, second = read_url(one), read_url(other)
    if first is None or second is None:
        return first is second
    return (first.scheme, first.host, first.port) == (second.scheme, second.host, second.port)


def check_open(field: str, host: str, guard: DestinationGuard) -> None:
    """InvalidRequest for a host that is an address which is closed."""
    if guard.refuses(host):
        raise wrong_field(field, CLOSED, "destination_refused")
