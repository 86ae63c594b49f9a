"""The gateway as a whole: its listeners, the way in for each connection, and an orderly stop.

Every connection is counted before anything is spent on it. From a configured proxy network it must begin with a PROXY
header, which is read to its last byte and no further, so that TLS may follow at once; from anywhere else a PROXY header
is refused and the socket's own address counts. `stop` takes no new connection, lets open transactions end for a
bounded time, says 421 to everyone else and returns when every started commit has ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import socket
from typing import TYPE_CHECKING

from chalicelib.domain.errors import Rejected
from gateway import replies
from gateway.clients import Peer, client_of, plain_address
from gateway.configuration import Role, parse_networks
from gateway.listeners import Listeners, open_listeners
from gateway.protocol import SmtpProtocol
from gateway.proxy_protocol import Incomplete, read_proxy_header
from gateway.wire import LINGER_SECONDS, Wire

if TYPE_CHECKING:
    from gateway.site import Site

ACCEPTED_AT_ONCE = 64
PAUSE_SECONDS = 0.5
UNREAD_BYTES = 65_536
OUT_OF_ROOM = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Gateway:
    """Listens, and owns every connection until it ends."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.ports: dict[Role, int] = {}
        self.open = site.open
        self._proxies = parse_networks(site.configuration.proxy_networks)
        self._listeners: dict[socket.socket, Role] = {}
        self._connections: set[SmtpProtocol] = set()
        self._arrivals: set[asyncio.Task[None]] = set()
        self._watch_certificate: asyncio.Task[None] | None = None
        self._stopping = False
        self._all_gone = asyncio.Event()
        self._all_gone.set()

    async def start(self, given: Listeners | None = None) -> None:
        """Take connections at the listeners that are given, or else open those of the configuration; OSError names the
        address that cannot be had."""
        configuration = self.site.configuration
        for role, listeners in (open_listeners(configuration) if given is None else given).items():
            for listener in listeners:
                listener.setblocking(False)
                self._listeners[listener] = role
                self.ports[role] = listener.getsockname()[1]
                self._watch(listener)
        if self.site.certificate:
            self._watch_certificate = asyncio.create_task(self.site.certificate.watch())
        self.site.journal.event(
            "started",
            ports=self.ports,
            max_connections=configuration.max_connections,
            max_buffered=configuration.max_buffered,
            commits_in_flight=configuration.commits_in_flight,
        )

    async def stop(self) -> None:
        """Stop in order; returns after `shutdown_seconds` at the latest, apart from commits that have begun."""
        for listener in self._listeners:
            asyncio.get_running_loop().remove_reader(listener.fileno())
            listener.close()
        self._listeners.clear()
        if self._watch_certificate is not None:
            self._watch_certificate.cancel()
        self._stopping = True
        for connection in tuple(self._connections):
            connection.drain()
        seconds = self.site.configuration.shutdown_seconds
        try:
            async with asyncio.timeout(seconds):
                await self._all_arrived()
                await self._all_gone.wait()
        except TimeoutError:
            await self.site.committer.drain()
            self.site.journal.event("stopped_late", cut=len(self._connections))
            for connection in tuple(self._connections):
                connection.cut(replies.SHUTTING_DOWN)
        await self.site.committer.drain()
        self.site.journal.event("stopped")
        self.site.journal.flush()

    def reload_certificate(self) -> None:
        """Load the certificate again, as SIGHUP asks for."""
        if self.site.certificate:
            self.site.certificate.reload()

    async def _all_arrived(self) -> None:
        """Who was accepted is told 421 like everybody; who does not come to that soon is let go."""
        if self._arrivals:
            await asyncio.wait(self._arrivals, timeout=LINGER_SECONDS)
        for arrival in tuple(self._arrivals):
            arrival.cancel()

    def _watch(self, listener: socket.socket) -> None:
        if listener in self._listeners:
            loop = asyncio.get_running_loop()
            loop.add_reader(listener.fileno(), self._accept, listener)

    def _accept(self, listener: socket.socket) -> None:
        """Take what waits at a listener; rest for a moment when the system has no room for more sockets."""
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                connection, address = listener.accept()
            except (BlockingIOError, ConnectionAbortedError, InterruptedError):
                return
            except OSError as error:
                if error.errno not in OUT_OF_ROOM:
                    raise
                self.site.journal.event("accept_paused", error=error.strerror)
                loop = asyncio.get_running_loop()
                loop.remove_reader(listener.fileno())
                loop.call_later(PAUSE_SECONDS, self._watch, listener)
                return
            connection.setblocking(False)
            self._admit(connection, plain_address(address[0]), self._listeners[listener])

    def _admit(self, connection: socket.socket, address: str, role: Role) -> None:
        if self.open.is_full(role):
            self._refuse(connection, Peer(address, role), "total")
            return
        self.open.arrive(role)
        arrival = asyncio.get_running_loop().create_task(self._welcome(connection, address, role))
        self._arrivals.add(arrival)
        arrival.add_done_callback(self._arrivals.discard)

    def _refuse(self, connection: socket.socket, peer: Peer, limit: str) -> None:
        """Turn a connection away; one that begins with TLS could not read why."""
        self.site.journal.event("connection_refused", peer.address, role=peer.role, reason=limit)
        self._say_last(connection, peer.role, replies.TOO_MANY_CONNECTIONS)
        connection.close()

    def _say_last(self, connection: socket.socket, role: Role, reply: bytes) -> None:
        """A last reply on a bare socket, where there is no TLS to hide it in."""
        if role is Role.SUBMISSIONS:
            return
        with contextlib.suppress(OSError):
            connection.send(reply)
            connection.shutdown(socket.SHUT_WR)
            # What is left unread would become a reset, and the reply be lost to it.
            connection.recv(UNREAD_BYTES)

    async def _welcome(self, connection: socket.socket, address: str, role: Role) -> None:
        """From an accepted socket to a served connection, or to nothing."""
        handed_over = False
        try:
            peer = Peer(await self._true_address(connection, address), role)
            if self.open.is_full_for(client_of(peer.address)):
                self._refuse(connection, peer, "client")
                return
            handed_over = await self._serve(connection, peer)
        except (OSError, TimeoutError, Rejected) as error:
            text = type(error).__name__
            if isinstance(error, Rejected):
                text = error.public
                self.site.counts.refused(replies.PROXY_ERROR)
                self._say_last(connection, role, replies.PROXY_ERROR)
            self.site.journal.event("connection_refused", address, role=role, reason=text)
        finally:
            if not handed_over:
                self.open.depart(role)
                connection.close()

    async def _true_address(self, connection: socket.socket, address: str) -> str:
        """The client's address: the socket's, or what a trusted balancer says in its header."""
        if not any(ipaddress.ip_address(address) in network for network in self._proxies):
            return address
        async with asyncio.timeout(self.site.configuration.handshake_seconds):
            loop, data = asyncio.get_running_loop(), b""
            while isinstance(header := read_proxy_header(data), Incomplete):
                piece = await loop.sock_recv(connection, header.count)
                if not piece:
                    raise ConnectionResetError
                data += piece
        return plain_address(header.source) if header.source else address

    async def _serve(self, connection: socket.socket, peer: Peer) -> bool:
        """Give the socket to a protocol; True when that owns it from now on."""
        loop = asyncio.get_running_loop()
        protocol = SmtpProtocol(self.site, peer, loop, lambda wire: self._left(wire, peer))
        if self._stopping:
            protocol.drain()
        self.open.enter(client_of(peer.address))
        self._connections.add(protocol)
        self._all_gone.clear()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        implicit = peer.role is Role.SUBMISSIONS
        seconds = self.site.configuration.handshake_seconds
        try:
            await loop.connect_accepted_socket(
                lambda: protocol,
                connection,
                ssl=self.site.tls if implicit else None,
                ssl_handshake_timeout=seconds if implicit else None,
                ssl_shutdown_timeout=LINGER_SECONDS if implicit else None,
            )
        except BaseException:  # whatever ended it, cancellation too: the place must not stay taken
            if protocol in self._connections:
                self._left(protocol, peer)
                self.open.arrive(peer.role)  # `_welcome` lets this one go
            raise
        return True

    def _left(self, wire: Wire, peer: Peer) -> None:
        if isinstance(wire, SmtpProtocol) and wire in self._connections:
            self._connections.discard(wire)
            self.open.leave(client_of(peer.address))
            self.open.depart(peer.role)
            if not self._connections:
                self._all_gone.set()
