"""What an endpoint may be: which fields each type has, their defaults, and what is wrong with those that were given.

Fields have the names of api.md 2.8. Nothing here reads or stores the configuration.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from chalicelib.domain.destination_guard import DestinationGuard, host_name, literal_address
from chalicelib.domain.errors import FieldError, InvalidRequest, wrong_field
from chalicelib.domain.http_url import HttpUrl, read_url
from chalicelib.domain.mail.mailbox import envelope_address
from chalicelib.domain.tenancy.endpoints import (
    Endpoint,
    EndpointType,
    PayloadEncoding,
    PayloadFormat,
    SslMode,
)

OF_TYPE: Mapping[EndpointType, frozenset[str]] = {
    EndpointType.HTTP: frozenset(
        {"url", "format", "encoding", "strip_replies", "include_attachments", "timeout"}
    ),
    EndpointType.SMTP: frozenset({"hostname", "port", "ssl_mode", "username", "password"}),
    EndpointType.ADDRESS: frozenset({"address"}),
}
_OF_SOME = frozenset[str]().union(*OF_TYPE.values())
_NEEDED = {
    EndpointType.HTTP: ("name", "url"),
    EndpointType.SMTP: ("name", "hostname"),
    EndpointType.ADDRESS: ("address",),
}
HIDDEN = "***"
SMTP_PORT, TLS_PORT = 25, 465
WITH_TLS = (SslMode.STARTTLS, SslMode.TLS)
CLOSED = "Private, loopback and reserved addresses are refused"
WRONG_URL = "This is no http or https URL with a host"
WRONG_HOST = "This is neither a host name nor an IP address"
UNKNOWN_USER_INFO = "The user-info is not known: give it in full"
MOVED_URL = (
    f"{HIDDEN} keeps the user-info only while scheme, host and port stay the same: give it in full"
)
MOVED_HOST = "The password is kept only while the hostname stays the same: give it again"
WRONG_ADDRESS = "This is not one e-mail address"


def check_fields(kind: EndpointType, given: Collection[str], *, making: bool) -> None:
    """InvalidRequest names fields of other types, and on `making` what this type needs besides."""
    wrong = [
        FieldError(f"/{name}", "extra_forbidden", f"is not for endpoints of the type {kind}")
        for name in sorted((_OF_SOME - OF_TYPE[kind]) & set(given))
    ]
    if making:
        missing = (name for name in _NEEDED[kind] if name not in given)
        wrong += [FieldError(f"/{name}", "missing", "Field required") for name in missing]
    if wrong:
        raise InvalidRequest("The endpoint has wrong fields; see errors", tuple(wrong))


def checked_url(text: str, guard: DestinationGuard) -> HttpUrl:
    """The URL of an HTTP endpoint; InvalidRequest for what is none, or leads to an address that is closed."""
    url = read_url(text)
    if url is None:
        raise wrong_field("url", WRONG_URL)
    _check_open("url", url.host, guard)
    return url


def checked_host(text: str, guard: DestinationGuard) -> str:
    """The host of an SMTP endpoint, in lower-case ASCII, an address without brackets; InvalidRequest."""
    address = literal_address(text)
    host = host_name(text) if address is None else str(address)
    if not host:
        raise wrong_field("hostname", WRONG_HOST)
    _check_open("hostname", text, guard)
    return host


def checked_address(text: str) -> str:
    """The address that mail is forwarded to, in lower case; InvalidRequest for what is none."""
    address = envelope_address(text.strip())
    if address is None:
        raise wrong_field("address", WRONG_ADDRESS)
    return address.lower()


def completed(endpoint: Endpoint, given: Mapping[str, Any]) -> Endpoint:
    """The endpoint with the defaults that follow from its other fields. InvalidRequest for fields that do not go
    together."""
    if endpoint.format is PayloadFormat.V2 and endpoint.encoding is not PayloadEncoding.JSON:
        raise wrong_field("encoding", "Format v2 has the encoding BodyAsJSON only")
    if endpoint.type is EndpointType.ADDRESS and not endpoint.name:
        endpoint = replace(endpoint, name=endpoint.address)
    if not endpoint.name:
        raise wrong_field("name", "cannot be null", "required")
    if endpoint.type is EndpointType.SMTP:
        return _completed_smtp(endpoint, given)
    return endpoint


def check_secrets_stay(before: Endpoint, after: Endpoint, given: Mapping[str, Any]) -> None:
    """InvalidRequest when user-info or a password that nobody is shown would go to another place than the one it was
    given for."""
    if "url" in given and _says_hidden(given["url"]):
        if before.sealed_user_info is None:
            raise wrong_field("url", UNKNOWN_USER_INFO)
        if _origin(after.url) != _origin(before.url):
            raise wrong_field("url", MOVED_URL)
    # The same host shows its certificate at each port.
    moved = after.hostname != before.hostname
    if moved and after.sealed_password is not None and "password" not in given:
        raise wrong_field("password", MOVED_HOST, "required")


def _origin(text: str) -> tuple[str, str, int] | None:
    url = read_url(text)
    return None if url is None else (url.scheme, url.host, url.port)


def _says_hidden(text: str) -> bool:
    url = read_url(text)
    return url is not None and url.user_info == HIDDEN


def _completed_smtp(endpoint: Endpoint, given: Mapping[str, Any]) -> Endpoint:
    if not endpoint.port:
        port = TLS_PORT if endpoint.ssl_mode is SslMode.TLS else SMTP_PORT
        endpoint = replace(endpoint, port=port)
    if endpoint.username is None:
        if given.get("password"):
            raise wrong_field("username", "A password needs a user name", "required")
        return replace(endpoint, sealed_password=None)
    if endpoint.ssl_mode not in WITH_TLS:
        field = "ssl_mode" if "ssl_mode" in given and "username" not in given else "username"
        raise wrong_field(field, "A user name needs the ssl_mode STARTTLS or TLS")
    return endpoint


def _check_open(field: str, host: str, guard: DestinationGuard) -> None:
    if guard.refuses(host):
        raise wrong_field(field, CLOSED, "destination_refused")
