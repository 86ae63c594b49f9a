"""Whatever takes and delivers mail is killed again and again while mail comes in: whatever got its 250 arrives."""

from __future__ import annotations

import os
import random
import signal
import smtplib
import threading
import time

from tests.e2e.conftest import StartStack
from tests.e2e.stack import RunningStack, message, wait_for

KILLS = 10
LONGEST_PAUSE_SECONDS = 0.5
CLIENTS = 3
LEASE_AND_VISIBILITY_SECONDS = 500


class Clients:
    """Submitters that try again until they have a 250; `promised` are the recipients that got one."""

    def __init__(self, stack: RunningStack) -> None:
        self.promised: list[str] = []
        self._stack = stack
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._submit, args=(number,), daemon=True)
            for number in range(CLIENTS)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wait_for_another(self) -> None:
        """However slow the machine, mail goes on between any two kills."""
        before = len(self.promised)
        wait_for(lambda: len(self.promised) > before, "one more message that is taken")

    def finish(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _submit(self, client: int) -> None:
        number = 0
        while not self._over.is_set():
            rcpt = f"kill-{client}-{number}@example.test"
            try:
                self._stack.submit(rcpt, message(rcpt))
            except (OSError, smtplib.SMTPException):
                time.sleep(0.05)
                continue
            self.promised.append(rcpt)
            number += 1


def kill_one(stack: RunningStack, dice: random.Random) -> None:
    """Kill a gateway or runner that runs at this moment, or the one process that is both."""
    pids = stack.now_facts()["pids"]
    names = {"gateway", "runner", "serve"} & pids.keys()
    victim = dice.choice([pid for name in sorted(names) for pid in pids[name]])
    try:
        os.kill(victim, signal.SIGKILL)
    except ProcessLookupError:
        return


def test_nothing_that_got_a_250_is_lost(start_stack: StartStack) -> None:
    stack = start_stack()
    dice = random.Random(7)
    clients = Clients(stack)
    clients.start()
    for _ in range(KILLS):
        clients.wait_for_another()
        time.sleep(dice.uniform(0, LONGEST_PAUSE_SECONDS))
        kill_one(stack, dice)
    clients.finish()
    assert len(clients.promised) >= KILLS

    def missing() -> set[str]:
        caught = stack.get("/_local/inbox/messages?limit=1000")
        return set(clients.promised) - {mail["rcpt_to"] for mail in caught}

    what = "every promised message in the inbox"
    stack.by_rounds(lambda: not missing(), what, LEASE_AND_VISIBILITY_SECONDS)
    assert stack.output.count("again") >= 1, stack.output
