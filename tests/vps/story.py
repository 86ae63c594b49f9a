"""What the tests of this folder tell each other while they follow the page."""

from __future__ import annotations

import contextlib
import re
import smtplib
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.patience import PATIENCE
from tests.vps.load import http_client, post, trusting
from tests.vps.machine import ADDRESS, Machine
from tests.vps.page import Page
from tests.vps.world import World

FIRST = "From an empty server to the first message"


@dataclass
class Story:
    """The machine, the page that is followed, and what was printed and measured on the way."""

    machine: Machine
    page: Page
    world: World
    seconds: dict[str, float] = field(default_factory=dict)
    printed: str = ""

    def play(self, heading: str, number: int = 1, *, fetches: bool = False, **words: str) -> str:
        """Run a block of the page as it stands there, but for the `words` that it leaves open; what it printed."""
        script = self.page.take(heading, number)
        for name, word in words.items():
            assert f"{name}=…" in script
            script = script.replace(f"{name}=…", f"{name}={word}")
        start = time.monotonic()
        printed = self.machine.fetch(script) if fetches else self.machine.run(script)
        self.seconds[f"{heading} {number}"] = time.monotonic() - start
        return printed

    def shown(self, what: str) -> str:
        """What `posthorn init` showed under a name."""
        (found,) = re.findall(rf"^{what} +(\S+)$", self.printed, re.MULTILINE)
        return str(found)

    def send(self, recipient: str, subject: str) -> None:
        """Send a message as the page does."""
        self.machine.run(
            f"posthorn send --url http://127.0.0.1:8000 --from hello@example.com --to {recipient}"
            f" --subject '{subject}' --text Hi",
            POSTHORN_API_KEY=self.shown("API key"),
        )

    def is_refused(self, code: int) -> bool:
        """Whether SMTP answers a message with this code."""
        try:
            with smtplib.SMTP(ADDRESS, 587, "client.test", timeout=PATIENCE) as client:
                client.starttls(context=trusting())
                client.login(self.shown("SMTP user name"), self.shown("SMTP password"))
                client.sendmail(
                    "hello@example.com",
                    ["you@example.net"],
                    "From: hello@example.com\r\nSubject: full\r\n\r\nHi",
                )
        except smtplib.SMTPResponseException as said:
            return said.smtp_code == code
        return False

    def http_status(self) -> int:
        """The status of the answer to a message over HTTP."""
        with self.machine.inside(), contextlib.closing(http_client()) as client:
            return post(client, self.shown("API key"), "full")[0]

    def subjects(self) -> Counter[str]:
        """How often the mail server of the world got each subject."""
        found = (
            re.search(rb"^Subject: (.+)\r$", one.content, re.MULTILINE)
            for one in self.world.peer.mails
        )
        return Counter(one[1].decode() for one in found if one)

    def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for something; fails with the log of the service."""
        deadline = time.monotonic() + PATIENCE
        while not is_so():
            assert time.monotonic() < deadline, self.machine.run(
                "journalctl -u posthorn --no-pager -n 30"
            )
            time.sleep(0.1)
