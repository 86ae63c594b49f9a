"""Every setting of the gateway alone, as one frozen value; what it shares with the functions is `chalicelib.config`.

Read once from `POSTHORN_*` environment variables (the field's name in upper case) and overridden by command line flags.
Nothing here is a secret: the TLS key is named by its path.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum

from chalicelib.config import check_bounds, read_flag

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_ANY = (0, 2**40)
_PORT = (-1, 65_535)
_PATIENCE = (0.001, 86_400)
_SOME = (1, 2**40)
# The least and the most that a number may be, where nothing is no sense.
_BOUNDS: Mapping[str, tuple[float, float]] = {
    "mx_port": _PORT,
    "submission_port": _PORT,
    "submissions_port": _PORT,
    "gateway_health_port": (0, 65_535),
    "listener_share": (0, 1),
    "max_command_line": (512, 1024 * 1024),  # RFC 5321 section 4.5.3.1.4
    "max_auth_line": (512, 1024 * 1024),
    "max_errors": _SOME,
    "max_idle_commands": _SOME,
    "max_auth_failures": _SOME,
    "max_address_failures": _SOME,
    "commit_messages": _SOME,
    "commit_bytes": _SOME,
    "command_seconds": _PATIENCE,
    "data_seconds": _PATIENCE,
    "transaction_seconds": _PATIENCE,
    "handshake_seconds": _PATIENCE,
    "anonymous_seconds": _PATIENCE,
    "crowded_seconds": _PATIENCE,
}


class Role(StrEnum):
    """What a listener is for. SUBMISSIONS starts with TLS (RFC 8314); the others offer STARTTLS."""

    MX = "mx"
    SUBMISSION = "submission"
    SUBMISSIONS = "submissions"


@dataclass(frozen=True, slots=True)
class Configuration:
    """Settings with their defaults; every `*_seconds` is in seconds, every size in bytes.

    gateway_bind: local address of all listeners. mx_port, submission_port, submissions_port: 0 lets the system choose,
    -1 switches the listener off. gateway_health_port: HTTP `/health` and `/metrics` on
    loopback, 0 for none.
    state: folder in which a self-signed certificate is kept when none is given.
    tls_certificate, tls_key: PEM files; both or neither; loaded again when they change, within a minute or on SIGHUP.
    allow_plain_auth: AUTH without TLS for clients on loopback. offer_cram_md5: name CRAM-MD5 in EHLO; it is understood
    either way, but some clients try nothing else once they see it.
    proxy_networks: comma-separated networks whose connections must begin with a PROXY protocol header.
    log_addresses: write client addresses into the log.
    gateway_memory_mib: MiB of memory that the gateway may use; 0 for what its control group allows, or a quarter of the
    machine's where that has no limit.
    max_connections: open at a time; 0 for as many as the memory holds, at most 1,000.
    max_connections_per_client (one IPv4 address or one IPv6 /64): open at a time; 0 for a fifth of all, at most 100.
    listener_share: part of all connections that is kept free for each listener whatever the others have.
    max_buffered: content and recipients held in memory by all sessions before DATA and BDAT are answered with 452; 0
    for what the memory holds, at most 512 MiB.
    max_command_line: of one command with its line end; AUTH lines may have max_auth_line (RFC 4954 section 4).
    max_errors: 5xx replies since the last accepted message before the session is cut; refused recipients of a client
    that has authenticated are not among them.
    max_idle_commands: commands between two accepted messages, beyond as many as a message may have recipients.
    max_auth_failures: of one session. auth_delay_seconds: waited after a failure, times the number of failures.
    max_address_failures, address_failure_seconds: failures of one client address, and the time for which they count,
    before unknown keys from there are judged one after the other.
    guesses_per_second: how many unknown keys of such an address are judged in a second; 0 for none.
    command_seconds: for the next whole command. data_seconds: between two pieces of content.
    transaction_seconds: from MAIL to the end of content. handshake_seconds: PROXY header, TLS.
    anonymous_seconds: until a client must have authenticated or had a message accepted.
    crowded_seconds: the same while more than half of all connections, of the listener's or of the client's are taken.
    ptr_seconds: longest wait for the client's name. renew_seconds: how long a session trusts what AUTH found.
    shutdown_seconds: for transactions in flight when asked to stop.
    commit_wait_seconds, commit_messages, commit_bytes: bounds of one group commit.
    commits_in_flight: group commits at a time; 0 for as many as the memory holds, at most 16.
    """

    gateway_bind: str = "127.0.0.1"
    mx_port: int = 2525
    submission_port: int = 2587
    submissions_port: int = 2465
    gateway_health_port: int = 0
    state: str = ".local"
    tls_certificate: str = ""
    tls_key: str = ""
    allow_plain_auth: bool = False
    offer_cram_md5: bool = False
    proxy_networks: str = ""
    log_addresses: bool = False
    gateway_memory_mib: int = 0
    max_connections: int = 0
    max_connections_per_client: int = 0
    listener_share: float = 0.2
    max_buffered: int = 0
    max_command_line: int = 4_096
    max_auth_line: int = 12_288
    max_errors: int = 20
    max_idle_commands: int = 500
    max_auth_failures: int = 3
    auth_delay_seconds: float = 1.0
    max_address_failures: int = 30
    address_failure_seconds: float = 600.0
    guesses_per_second: float = 5.0
    command_seconds: float = 300.0
    data_seconds: float = 180.0
    transaction_seconds: float = 1_200.0
    handshake_seconds: float = 30.0
    anonymous_seconds: float = 600.0
    crowded_seconds: float = 30.0
    ptr_seconds: float = 1.0
    renew_seconds: float = 10.0
    shutdown_seconds: float = 20.0
    commit_wait_seconds: float = 0.02
    commit_messages: int = 64
    commit_bytes: int = 4 * 1024 * 1024
    commits_in_flight: int = 0

    @property
    def listeners(self) -> tuple[tuple[Role, int], ...]:
        """Role and port of each listener that is switched on."""
        ports = (
            (Role.MX, self.mx_port),
            (Role.SUBMISSION, self.submission_port),
            (Role.SUBMISSIONS, self.submissions_port),
        )
        return tuple((role, port) for role, port in ports if port >= 0)


def read_configuration(environment: Mapping[str, str]) -> Configuration:
    """The configuration from `POSTHORN_*` variables; ValueError names the variable that cannot be read."""
    values: dict[str, str | int | float | bool] = {}
    for field in fields(Configuration):
        name = f"POSTHORN_{field.name.upper()}"
        text = environment.get(name, "")
        if text:
            values[field.name] = _read(name, text, type(field.default))
    configuration = Configuration(**values)  # type: ignore[arg-type]  # _read gives each its field's type
    parse_networks(configuration.proxy_networks)
    if configuration.listener_share * len(configuration.listeners) > 1:
        raise ValueError("POSTHORN_LISTENER_SHARE of all listeners together must not be above 1")
    if bool(configuration.tls_certificate) != bool(configuration.tls_key):
        raise ValueError("POSTHORN_TLS_CERTIFICATE and POSTHORN_TLS_KEY must be given together")
    return configuration


def parse_networks(text: str, name: str = "POSTHORN_PROXY_NETWORKS") -> tuple[Network, ...]:
    """The networks of a comma-separated list; ValueError names the variable and the one that is none."""
    networks = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        try:
            networks.append(ipaddress.ip_network(part, strict=False))
        except ValueError as wrong:
            raise ValueError(f"{name}: {part!r} is not a network") from wrong
    return tuple(networks)


def _read(name: str, text: str, kind: type) -> str | int | float | bool:
    if kind is str:
        return text
    if kind is bool:
        return read_flag(name, text)
    try:
        number = float(text) if kind is float else int(text)
    except ValueError as wrong:
        raise ValueError(f"{name} must be a number, not {text!r}") from wrong
    check_bounds(name, number, *_BOUNDS.get(name.removeprefix("POSTHORN_").lower(), _ANY))
    return number
