"""What an endpoint may be: which fields each type has, their defaults, and what is wrong with those that were given.

Fields have the names of api.md 2.8. Nothing here reads or stores the configuration.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from chalicelib.domain.destination_guard import DestinationGuard, host_name, literal_address
from chalicelib.domain.errors import FieldError, InvalidRequest, wrong_field
from chalicelib.domain.mail.mailbox import envelope_address
from chalicelib.domain.tenancy.endpoints import (
    Endpoint,
    EndpointType,
    PayloadEncoding,
    PayloadFormat,
    SslMode,
)
from chalicelib.services.tenancy.receiver_url import check_open, check_user_info_stays

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
SMTP_PORT, TLS_PORT = 25, 465
WITH_TLS = (SslMode.STARTTLS, SslMode.TLS)
WRONG_HOST = "This is neither a host name nor an IP address"
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


def checked_host(text: str, guard: DestinationGuard) -> str:
    """The host of an SMTP endpoint, in lower-case ASCII, an address without brackets; InvalidRequest."""
    address = literal_address(text)
    host = host_name(text) if address is None else str(address)
    if not host:
        raise wrong_field("hostname", WRONG_HOST)
    check_open("hostname", text, guard)
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
    if "url" in given:
        has_user_info = before.sealed_user_info is not None
        check_user_info_stays(before.url, has_user_info=has_user_info, given=given["url"])
    # The same host shows its certificate at each port.
    moved = after.hostname != before.hostname
    if moved and after.sealed_password is not None and "password" not in given:
        raise wrong_field("password", MOVED_HOST, "required")


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
