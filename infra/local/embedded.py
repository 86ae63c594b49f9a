"""The local stack on one host: `posthorn serve` with the demo tenant, an inbox, local DNS and a movable clock in it.

It is one program: a supervisor, and the serving process, which has all of it (infra/local/serving.py), without AWS.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Any

from chalicelib.config import read_settings
from chalicelib.domain.errors import MailError
from gateway.configuration import read_configuration
from infra.local import facts
from infra.local.first_message import send_first_message
from infra.local.folder import StateFolder, read_secrets
from infra.local.plan import Plan
from infra.local.sources_changed import EVERYTHING, SourceWatch
from infra.local.terminal import say
from onehost.child import Child
from onehost.listeners import open_sockets
from onehost.options import read_options
from onehost.serve import grace_of, held
from onehost.supervisor import Supervisor

SERVING = "infra.local.serving"
STOPPED_WHILE_STARTING = 130
# Somebody waits to see a change; what is cut off is done by the next process.
MOST_RELOAD_SECONDS = 20.0


class EmbeddedStack(Supervisor):
    """One run, in a state folder that is taken and prepared."""

    def __init__(self, plan: Plan, folder: StateFolder, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        sockets = open_sockets(read_configuration(environment), read_options(environment), {})
        # One process, because it has the inbox and the DNS.
        child = Child(0, SERVING, self._environment, sockets, plan.logs / "serve.log")
        super().__init__([child], grace_of(read_settings(environment)), self._tell)
        self._plan = plan
        self._folder = folder
        self._begun = time.monotonic()
        self._told: list[int] = []
        self._watch = SourceWatch(EVERYTHING) if plan.reload else None

    def run(self) -> int:
        """Until told to stop; the exit code, another one for a stop before all was ready."""
        code = super().run()
        return code or (0 if self._told else STOPPED_WHILE_STARTING)

    def _note_hang_up(self, number: int, frame: FrameType | None) -> None:
        self._note_stop(number, frame)

    def _look(self) -> None:
        # Only the first life ends at a crash point: whoever comes next must recover.
        self._environment.pop("POSTHORN_KILL_AT", None)
        super()._look()
        if self._watch and (changed := self._watch.changed()):
            self.restart(MOST_RELOAD_SECONDS)
            say(f"{changed} changed: started again")
        if self._told and self._told != self.pids:
            self._told = self.pids
            self._folder.write_facts(self._facts())

    def _facts(self) -> dict[str, Any]:
        pids: dict[str, int | Sequence[int] | None] = {
            "supervisor": os.getpid(),
            "serve": self.pids,
        }
        return facts.facts_of(self._plan, read_secrets(self._plan.state), pids)

    def _tell(self) -> None:
        """All serve for the first time: say so, in `stack.json` and to the person at the terminal."""
        if self._told:
            return
        described = self._facts()
        if "POSTHORN_DNS" in self._plan.base or "POSTHORN_DELIVERY_PORT" in self._plan.base:
            first = "first message: not sent, because deliveries go to servers of your own"
        else:
            first = send_first_message(described, lambda: self.is_told_to_stop)
        if self.is_told_to_stop:
            return
        self._told = self.pids
        self._folder.write_facts(described)
        for line in facts.for_people(described, self._plan):
            say(line)
        say(first)
        took = time.monotonic() - self._begun
        say(f"ready in {took:.1f} s; Ctrl-C stops everything")


def run(plan: Plan, folder: StateFolder) -> int:
    """Run the stack until it is stopped; the exit code."""
    # Until the supervisor waits for them, signals end the run where it is.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    environment = plan.environment()
    try:
        say(f"starting Posthorn, state in {plan.state}")
        with held(read_settings(environment)):
            return EmbeddedStack(plan, folder, environment).run()
    except (MailError, ValueError, OSError) as error:
        text = error.public if isinstance(error, MailError) else str(error)
        say(f"posthorn: {text}")
        return 1
    except KeyboardInterrupt:
        return STOPPED_WHILE_STARTING
    finally:
        folder.remove_facts()
        folder.release()
        say("stopped")
