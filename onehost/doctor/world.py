"""What is outside: whether mail servers can be reached, and what time it is there."""

from __future__ import annotations

import asyncio
import http.client
import struct
import time
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

from chalicelib.domain.errors import MailError
from chalicelib.ports.resolver import Resolver
from onehost.doctor.finding import Findings, failed, not_checked, ok
from onehost.doctor.host import Host

PATIENCE = 10.0
TOLERATED_SECONDS = 5.0
LONGEST_GREETING = 512
NTP_PORT = 123
# RFC 5905: seconds since 1900, of which the transmit time stands at byte 40; first byte: version 4, client.
NTP_EPOCH = 2_208_988_800
_NTP_REQUEST = b"\x23" + bytes(47)
_NTP_TIME = struct.Struct(">II")


async def port_25(host: Host) -> Findings:
    """Whether a mail server of the world greets us, on the port where mail is delivered."""
    try:
        name, address, port = await _mail_server(host)
    except MailError as away:
        return [not_checked(f"no mail server of {host.mx} is known: {away.public}")]
    where = f"{name} ({address}) port {port}"
    step = (
        "Ask your provider to open outgoing port 25, and look at the firewall; until then send through a smarthost:"
        " `posthorn source add`"
    )
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


async def _mail_server(host: Host) -> tuple[str, str, int]:
    """Name, address and port of the server to reach; MailError when DNS does not say."""
    resolver = host.program[Resolver]
    name, _, port = host.mx.rpartition(":")
    if name:
        return name, await _address_of(resolver, name.strip("[]")), int(port)
    servers = sorted(await resolver.mx(host.mx)) or [(0, host.mx)]
    return servers[0][1], await _address_of(resolver, servers[0][1]), host.settings.delivery_port


async def _address_of(resolver: Resolver, name: str) -> str:
    """An address of the name, of the older kind if there is one: port 25 is often closed for that alone."""
    try:
        return str(ip_address(name))
    except ValueError:
        found = await resolver.addresses(name)
    if not found:
        raise MailError(f"{name} has no address")
    return min(found, key=lambda address: ":" in address)


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
