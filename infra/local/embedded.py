"""The local stack on one host: `posthorn serve` with the demo tenant, an inbox, local DNS and a movable clock in it.

It is one program: a supervisor, and the serving process, which has all of it (infra/local/serving.py), without AWS.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

from chalicelib.config import read_settings
from chalicelib.domain.errors import MailError
from gateway.configuration import read_configuration
from infra.local import facts
from infra.local.first_message import send_first_message
from infra.local.folder import StateFolder, read_secrets
from infra.local.plan import Plan
from infra.local.sources_changed import SourceWatch
from onehost.child import Child
from onehost.listeners import open_sockets
from onehost.options import read_options
from onehost.serve import grace_of, held
from onehost.supervisor import Supervisor

SERVING = "infra.local.serving"
# Somebody waits to see a change; what is cut off is done by the next process.
MOST_RELOAD_SECONDS = 20.0


class EmbeddedStack(Supervisor):
    """One run, in a state folder that is taken and prepared."""

    def __init__(self, plan: Plan, folder: StateFolder, environment: Mapping[str, str]) -> None:
        settings = read_settings(environment)
        options = read_options(environment)
        sockets = open_sockets(read_configuration(environment), options, {})
        log = plan.logs / "serve.log"
        children = [
            Child(number, SERVING, environment, sockets, log)
            for number in range(max(1, options.processes))
        ]
        super().__init__(children, grace_of(settings), self._tell)
        self._plan = plan
        self._folder = folder
        self._begun = time.monotonic()
        self._told = False
        self._watch = SourceWatch() if plan.reload else None

    def _look(self) -> None:
        super()._look()
        if self._watch and (changed := self._watch.changed()):
            self.restart(MOST_RELOAD_SECONDS)
            print(f"{changed} changed: started again", flush=True)

    def _tell(self) -> None:
        """All serve: say so, in `stack.json` and to the person at the terminal."""
        described = facts.facts_of(self._plan, read_secrets(self._plan.state), self._pids())
        if self._told:
            self._folder.write_facts(described)
            return
        if "POSTHORN_DNS" in self._plan.base or "POSTHORN_DELIVERY_PORT" in self._plan.base:
            first = "first message: not sent, because deliveries go to servers of your own"
        else:
            first = send_first_message(described, lambda: self.is_told_to_stop)
        if self.is_told_to_stop:
            return
        self._told = True
        self._folder.write_facts(described)
        for line in facts.for_people(described, self._plan):
            print(line, flush=True)
        print(first, flush=True)
        took = time.monotonic() - self._begun
        print(f"ready in {took:.1f} s; Ctrl-C stops everything", flush=True)

    def _pids(self) -> dict[str, int | list[int]]:
        return {"supervisor": os.getpid(), "serve": self.pids}


def run(plan: Plan, folder: StateFolder) -> int:
    """Run the stack until it is stopped; the exit code."""
    environment = plan.environment()
    print(f"starting Posthorn, state in {plan.state}", flush=True)
    try:
        with held(read_settings(environment)):
            return EmbeddedStack(plan, folder, environment).run()
    except (MailError, ValueError, OSError) as error:
        text = error.public if isinstance(error, MailError) else str(error)
        print(f"posthorn: {text}", flush=True)
        return 1
    finally:
        folder.remove_facts()
        folder.release()
        print("stopped", flush=True)
