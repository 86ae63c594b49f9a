"""`posthorn serve`: holds the state folder and the listening sockets, and keeps so many processes serving.

A process that dies is started again; meanwhile its clients wait at the sockets, which stay open. One that dies at once
again and again ends everything, and so does one that cannot begin when all is started. Each process says that it is
alive while its store answers; one that is silent for too long is killed. SIGTERM, or Ctrl-C, lets all processes finish
what they have in hand; a second one cuts that short. SIGHUP is passed on to them; where it is the end of the terminal,
it is a stop. Which processes do not serve, or are silent, is told as it changes. Standard library only, one thread:
this process must survive whatever happens in the others.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType

from onehost.child import Child

TICK_SECONDS = 0.2
SILENT_SECONDS = 60.0
# They say every five seconds that they are alive.
WORRYING_SECONDS = 15.0
LAST_LINES = 8
NAME = "posthorn"


class Supervisor:
    """One run of `children`, who may take `grace` seconds to stop; `ready` is called each time that all serve, and
    `failing` with the numbers of those that do not, whenever these change."""

    def __init__(
        self,
        children: Sequence[Child],
        grace: float,
        ready: Callable[[], None] = lambda: None,
        failing: Callable[[Sequence[int]], None] = lambda _: None,
    ) -> None:
        self._children = children
        self._grace = grace
        self._ready = ready
        self._tell_failing = failing
        self._failing: list[int] = []
        self._stops = 0
        self._hung_up = False
        self._at_terminal = sys.stderr.isatty()
        self._was_ready = self._all_serve = False
        self._failure = ""

    def run(self) -> int:
        """Until told to stop; the exit code."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note_stop)
        signal.signal(signal.SIGHUP, self._note_hang_up)
        for child in self._children:
            child.start()
        while not self._stops and not self._failure:
            self._look()
        tell_systemd("STOPPING=1")
        in_order = self._end(self._grace)
        if self._failure:
            say(f"{NAME}: {self._failure.removesuffix('.')}.")
        return 0 if in_order and not self._failure else 1

    def _note_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stops += 1

    def _note_hang_up(self, number: int, frame: FrameType | None) -> None:
        if self._at_terminal and not sys.stderr.isatty():
            self._note_stop(number, frame)
        self._hung_up = True

    def _look(self) -> None:
        """One look at every process."""
        self._pass_on()
        pipes = {child.pipe: child for child in self._children if child.pipe >= 0}
        with suppress(InterruptedError):
            readable, _, _ = select.select(list(pipes), [], [], TICK_SECONDS)
            for pipe in readable:
                pipes[pipe].listen()
        for child in self._children:
            if not child.is_running:
                self._revive(child)
            elif child.silence() > SILENT_SECONDS:
                say(f"process {child.pid} does not answer and is killed")
                child.kill()
        self._note_failing()
        before, self._all_serve = self._all_serve, all(one.is_ready for one in self._children)
        if self._all_serve and not before:
            self._was_ready = True
            tell_systemd("READY=1")
            self._ready()
        if self._all_serve:
            tell_systemd("WATCHDOG=1")

    def _note_failing(self) -> None:
        failing = [one.number for one in self._children if not one.serves(WORRYING_SECONDS)]
        if failing != self._failing:
            self._failing = failing
            with suppress(OSError):
                self._tell_failing(failing)

    def _pass_on(self) -> None:
        if self._hung_up:
            self._hung_up = False
            for child in self._children:
                child.hang_up()

    @property
    def pids(self) -> list[int]:
        """The process numbers of those that serve."""
        return [child.pid for child in self._children]

    @property
    def is_told_to_stop(self) -> bool:
        """Whether a signal came."""
        return self._stops > 0

    def restart(self, grace: float) -> None:
        """Let all processes finish, for so many seconds at most, and start them again."""
        self._end(grace)
        for child in self._children:
            child.start()

    def _revive(self, child: Child) -> None:
        if child.could_not_begin and not self._was_ready:
            said = [child.failure, *child.last_lines(1), "it could not begin: see above"]
            self._failure = next(filter(None, said))
        elif child.keeps_dying():
            for line in child.last_lines(LAST_LINES):
                say(f"  {line}")
            how = child.failure or child.how_it_ended()
            self._failure = f"process {child.number} keeps dying ({how}), so {NAME} stops"
        elif child.may_start():
            dead, how = child.pid, child.failure or child.how_it_ended()
            child.start()
            say(f"process {dead} died: {how}; started again as process {child.pid}")

    def _end(self, grace: float) -> bool:
        """Let all finish, then end who has not; whether each that was told to stop did so without a fault."""
        told = [child for child in self._children if child.is_running]
        for child in told:
            child.ask_to_stop()
        deadline, patience = time.monotonic() + grace, self._stops
        while any(child.is_running for child in self._children):
            if time.monotonic() > deadline or self._stops > max(1, patience):
                say("not all processes stopped in time")
                break
            time.sleep(TICK_SECONDS / 10)
        # Where one could not begin, the others cannot either.
        faulty = [child for child in told if child.ended_by_fault and not self._failure]
        for child in faulty:
            say(f"process {child.pid} failed while it stopped: {child.how_it_ended()}")
        for child in self._children:
            child.kill()
        return not faulty


def say(line: str) -> None:
    """One line for whoever watches; nobody need be there."""
    with suppress(OSError):
        print(line, file=sys.stderr, flush=True)


def tell_systemd(state: str) -> None:
    """sd_notify(3), where systemd asked for it."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifier:
        notifier.connect(f"\0{address[1:]}" if address.startswith("@") else address)
        notifier.send(state.encode())
