"""The time limits of one connection: of silence, of a transaction, and of a client that nobody knows.

One lazy timer serves all of them: a limit that moves away leaves it as it is, and it looks again when it fires. What is
said to a client that is late, the wire decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.clients import client_of
from gateway.session import MailSession

LOOK_SECONDS = 5.0
"""How often a stranger's time is looked at again, because it depends on how many others there are."""


class Deadlines:
    """`waiting` is True while the client is waited for; only then can it be late, and `on_late` is told."""

    def __init__(
        self, mail: MailSession, loop: asyncio.AbstractEventLoop, on_late: Callable[[], None]
    ) -> None:
        self.waiting = False
        self._mail = mail
        self._limits = mail.site.configuration
        self._loop = loop
        self._on_late = on_late
        self._started = loop.time()
        self._transaction_end = 0.0
        self._deadline = 0.0
        first_look = min(self._limits.command_seconds, self._limits.crowded_seconds)
        self._armed = self._started + first_look
        self.timer = loop.call_at(self._armed, self._look)

    def open_transaction(self) -> None:
        """Start the clock of a transaction."""
        self._transaction_end = self._loop.time() + self._limits.transaction_seconds

    def wait_until(self, deadline: float) -> None:
        """Set the time at which the client has been silent, or in one transaction, for too long."""
        if self._mail.transaction is not None:
            deadline = min(deadline, self._transaction_end)
        if not self._mail.is_known:
            deadline = min(deadline, self._started + self._limits.anonymous_seconds)
        self._deadline = deadline
        self.waiting = True
        if deadline < self._armed:
            self._arm(deadline)

    def _is_late(self, now: float) -> bool:
        """True when the client has used up its time, or is a stranger that stands in others' way."""
        if now >= self._deadline:
            return True
        if self._mail.is_known or now < self._started + self._limits.crowded_seconds:
            return False
        peer = self._mail.peer
        return self._mail.site.open.is_crowded(peer.role, client_of(peer.address))

    def _arm(self, when: float) -> None:
        self.timer.cancel()
        self._armed = when
        self.timer = self._loop.call_at(when, self._look)

    def _look(self) -> None:
        now = self._loop.time()
        if self.waiting and self._is_late(now):
            self._on_late()
            return
        soon = now + min(LOOK_SECONDS, self._limits.crowded_seconds)
        wanted = self._deadline if self._mail.is_known else min(self._deadline, soon)
        self._arm(max(wanted, now + 1.0))
