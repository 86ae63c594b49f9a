"""Clients that submit mail without pause to whatever listens, and remember what was promised them.

A message is named in its subject and never submitted twice. What got a 250 is promised; a message whose connection
broke may have been taken or not.
"""

from __future__ import annotations

import contextlib
import random
import smtplib
import threading
import time
from collections.abc import Callable, Iterator, Sequence

TICK = 0.02
MOST_LINES = 120
BROKEN = (OSError, smtplib.SMTPException)


class Ledger:
    """What was submitted and what was promised, by name; shared by all clients."""

    def __init__(self) -> None:
        self.submitted: dict[str, bytes] = {}
        self.promised: set[str] = set()
        self.refused = 0
        self._lock = threading.Lock()

    def submit(self, name: str, body: bytes) -> None:
        """Note that this is on its way."""
        with self._lock:
            self.submitted[name] = body

    def promise(self, name: str) -> None:
        """Note that this got its 250."""
        with self._lock:
            self.promised.add(name)

    def refuse(self) -> None:
        """Note that a reply was not a 250, or that there was none."""
        with self._lock:
            self.refused += 1


class Submitter(threading.Thread):
    """One client. `connect` gives a connection on which mail may be sent."""

    def __init__(
        self, name: str, connect: Callable[[], smtplib.SMTP], ledger: Ledger, seed: str
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._connect = connect
        self._ledger = ledger
        self._random = random.Random(f"{seed} {name}")
        self._stopped = threading.Event()
        self._count = 0

    def stop(self) -> None:
        """Finish the message in hand, and end."""
        self._stopped.set()
        self.join()

    def run(self) -> None:
        """Submit until stopped, over a new connection whenever one breaks."""
        while not self._stopped.is_set():
            try:
                with self._connect() as client:
                    self._submit(client)
            except BROKEN:
                self._ledger.refuse()
                time.sleep(TICK)

    def _submit(self, client: smtplib.SMTP) -> None:
        for _ in range(self._random.randint(1, 20)):
            if self._stopped.is_set():
                return
            self._count += 1
            name = f"{self.name}-{self._count}"
            body = a_body(self._random)
            self._ledger.submit(name, body)
            head = f"From: hello@acme.test\r\nTo: john@example.com\r\nSubject: {name}\r\n\r\n"
            client.sendmail("hello@acme.test", ["john@example.com"], head.encode() + body)
            self._ledger.promise(name)


@contextlib.contextmanager
def submitting(clients: Sequence[Submitter]) -> Iterator[None]:
    """Let them work while the block runs."""
    for client in clients:
        client.start()
    try:
        yield
    finally:
        for client in clients:
            client.stop()


def a_body(rand: random.Random) -> bytes:
    """Lines of any length and some that begin with dots: what must come back byte for byte."""
    lines = []
    for _ in range(rand.randint(1, MOST_LINES)):
        dots = "." * rand.choice((0, 0, 0, 1, 2))
        lines.append(dots + rand.randbytes(rand.randint(0, 300)).hex())
    return "".join(f"{line}\r\n" for line in lines).encode()


def name_of(content: bytes) -> str:
    """The name of a message, from its subject."""
    return content.partition(b"\r\nSubject: ")[2].partition(b"\r\n")[0].decode()


def body_of(content: bytes) -> bytes:
    """What stands below the header."""
    return content.partition(b"\r\n\r\n")[2]
