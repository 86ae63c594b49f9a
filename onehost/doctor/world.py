"""What is outside: whether mail servers can be reached, and what time it is there."""

from __future__ import annotations

import asyncio
import http.client
import struct
import time
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

from chalicelib.domain.errors import MailError
from chalicelib.ports.resolver import Resolver
from onehost.doctor.finding import Findings, failed, not_checked, ok
from onehost.doctor.host import Host
from onehost.setup.addresses import outgoing_addresses

PATIENCE = 10.0
TOLERATED_SECONDS = 5.0
LONGEST_GREETING = 512
NTP_PORT = 123
# RFC 5905: seconds since 1900, of which the transmit time stands at byte 40; first byte: version 4, client.
NTP_EPOCH = 2_208_988_800
_NTP_REQUEST = b"\x23" + bytes(47)
_NTP_TIME = struct.Struct(">II")


async def port_25(host: Host) -> Findings:
    """Whether a mail server of the world greets us by IPv4, on the port where mail is delivered."""
    step = (
        "Ask your provider to open outgoing port 25, and look at the firewall; until then send through a smarthost:"
        " `posthorn source add`"
    )
    return await _reached(host, 4, step)


async def port_25_by_ipv6(host: Host) -> Findings:
    """The same by IPv6, which a provider may close apart."""
    step = (
        "Ask your provider to open outgoing port 25 for IPv6 too, and look at the firewall; until then send by IPv4"
        " alone: `posthorn source set default --address` with the IPv4 address of this host"
    )
    return await _reached(host, 6, step)


async def _reached(host: Host, version: int, step: str) -> Findings:
    try:
        name, address, port = await _mail_server(host, version)
    except MailError as away:
        return [not_checked(f"no mail server of {host.mx} is known: {away.public}")]
    if version == 6 and not _may_go_out(address):
        return [not_checked("this host has no way out by IPv6")]
    where = f"{name} ({address}) port {port}"
    try:
        greeting = await asyncio.wait_for(_greeting(address, port), PATIENCE)
    except TimeoutError:
        return [failed(f"{where} does not answer within {PATIENCE:.0f} s", step)]
    except OSError as error:
        return [failed(f"{where} cannot be reached: {error.strerror or error}", step)]
    if not greeting.startswith("220"):
        step = "Look whether the address is on a block list, and whether its reverse name is right"
        return [failed(f"{where} turns us away: {greeting or 'it hangs up'}", step)]
    return [ok(f"{where} greets us")]


async def clock(host: Host) -> Findings:
    """Whether this host's clock is that of others: signatures, certificates and retries depend on it."""
    try:
        offset = await _offset(host)
    except (MailError, OSError, TimeoutError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "public", None) or str(error) or "no answer"
        return [not_checked(f"{host.time_from} does not tell the time: {reason}")]
    if abs(offset) > TOLERATED_SECONDS:
        way = "behind" if offset > 0 else "ahead"
        text = f"This clock is {abs(offset):.0f} s {way} that of {host.time_from}"
        return [
            failed(text, "Let it be set by itself: `timedatectl set-ntp true`, or install chrony")
        ]
    return [
        ok(f"This clock and that of {host.time_from} are less than {TOLERATED_SECONDS:.0f} s apart")
    ]


async def _mail_server(host: Host, version: int) -> tuple[str, str, int]:
    """Name, address of this version and port of the server to reach; MailError when DNS does not say."""
    resolver = host.program[Resolver]
    name, _, port = host.mx.rpartition(":")
    if name:
        return name, await _address_of(resolver, name.strip("[]"), version), int(port)
    _, name = min(await resolver.mx(host.mx), default=(0, host.mx))
    return name, await _address_of(resolver, name, version), host.settings.delivery_port


async def _address_of(resolver: Resolver, name: str, version: int = 0) -> str:
    """An address of the name: of this version, or of the older kind if there is one. MailError when there is none."""
    try:
        found: Sequence[str] = [str(ip_address(name))]
    except ValueError:
        found = await resolver.addresses(name)
    fitting = [one for one in found if ip_address(one).version == version or not version]
    if not fitting:
        raise MailError(f"{name} has no {f'IPv{version} ' if version else ''}address")
    return min(fitting, key=lambda address: ":" in address)


def _may_go_out(address: str) -> bool:
    """Whether there is a route to an IPv6 address of the world; one to this host itself is always there."""
    return ip_address(address).is_loopback or any(":" in one for one in outgoing_addresses())


async def _greeting(address: str, port: int) -> str:
    reader, writer = await asyncio.open_connection(address, port, limit=LONGEST_GREETING)
    try:
        line = await reader.readline()
        if line.startswith(b"220"):
            writer.write(b"QUIT\r\n")
        return line.decode("utf-8", "replace").strip()
    except ValueError:
        return "its greeting is too long"
    finally:
        writer.close()


async def _offset(host: Host) -> float:
    """Seconds that the other clock is ahead of this one."""
    if "://" in host.time_from:
        return await asyncio.to_thread(_http_offset, host.time_from)
    name, _, port = host.time_from.rpartition(":")
    if not name:
        name, port = port, str(NTP_PORT)
    address = await _address_of(host.program[Resolver], name)
    return await asyncio.wait_for(_ntp_offset(address, int(port)), PATIENCE)


def _http_offset(url: str) -> float:
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=PATIENCE)
    try:
        start = time.time()
        connection.request("HEAD", parts.path or "/")
        said = connection.getresponse().getheader("Date")
        middle = (start + time.time()) / 2
    finally:
        connection.close()
    if said is None:
        raise ValueError("its answer has no Date")
    return parsedate_to_datetime(said).timestamp() + 0.5 - middle


async def _ntp_offset(address: str, port: int) -> float:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[bytes] = loop.create_future()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _OneAnswer(answer), remote_addr=(address, port)
    )
    try:
        start = time.time()
        transport.sendto(_NTP_REQUEST)
        said = await answer
        middle = (start + time.time()) / 2
    finally:
        transport.close()
    if len(said) < len(_NTP_REQUEST):
        raise ValueError("its answer is too short")
    seconds, fraction = _NTP_TIME.unpack_from(said, 40)
    if seconds == 0:
        raise ValueError("it does not know itself")
    return float(seconds - NTP_EPOCH + fraction / (1 << 32) - middle)


class _OneAnswer(asyncio.DatagramProtocol):
    """The first datagram, or the first error."""

    def __init__(self, answer: asyncio.Future[bytes]) -> None:
        self._answer = answer

    def datagram_received(self, data: bytes, _address: object) -> None:
        """Take the first."""
        if not self._answer.done():
            self._answer.set_result(data)

    def error_received(self, error: Exception) -> None:
        """Nobody listens there."""
        if not self._answer.done():
            self._answer.set_exception(error)
