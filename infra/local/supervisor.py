"""Starts, watches and stops the processes of the local stack.

Order of start: AWS backend, front and runner at once; then, when the backend is deployed and seeded, the gateway; then
the first message. A gateway, runner or front that dies is started again, with one line saying so; one that dies at once
again and again, or an AWS backend that dies, ends the stack with one sentence. Order of stop: gateway (finishes
transactions in flight), runner (finishes its batch), front, and last the AWS backend, which saves its state.

Standard library only, one thread: this process must survive whatever happens in the others.
"""

from __future__ import annotations

import math
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import FrameType
from typing import NoReturn

from infra.local import aws, embedded, facts
from infra.local.first_message import send_first_message
from infra.local.folder import FolderError, StateFolder, keys_of, read_secrets
from infra.local.loopback import direct
from infra.local.plan import DEFAULT_PORTS, HOST, Plan, PlanError, is_free
from infra.local.process import Child
from infra.local.sources_changed import SourceWatch
from infra.local.terminal import say

READY_SECONDS = 60.0
DEPLOY_SECONDS = 300.0  # when the functions are packaged and deployed as well
TICK_SECONDS = 0.05
# Somebody waits to see a change; what is cut off is tried again when its lease ends.
MOST_RELOAD_SECONDS = 20.0
LOG_LINES = 8
LARGEST_OLD_LOG = 16 * 1024 * 1024


class StackError(Exception):
    """The stack cannot run. Its text is what the person at the terminal reads."""


class StopRequested(Exception):
    """Ctrl-C or a signal came while the stack was starting."""


def run(plan: Plan) -> int:
    """Take the state folder and run the stack until it is stopped; the exit code. PlanError when it cannot be run."""
    if plan.own_aws:
        aws.interpreters(plan)
    folder = StateFolder(plan.state)
    try:
        folder.take()
        if note := folder.prepare(plan.fresh):
            say(note)
        for log in plan.logs.glob("*.log"):
            if log.stat().st_size > LARGEST_OLD_LOG:
                log.replace(log.with_suffix(".old"))
        _check_ports(plan)
        if plan.is_embedded:
            return embedded.run(plan, folder)
        plan = replace(plan, keys=keys_of(plan.state))
    except (FolderError, StackError) as error:
        folder.release()
        say(f"posthorn: {error}")
        return 1
    return Supervisor(plan, folder).run()


class Supervisor:
    """One run of the stack, in a folder that is taken and prepared."""

    def __init__(self, plan: Plan, folder: StateFolder) -> None:
        self._plan = plan
        self._folder = folder
        self._stop_signals = 0
        self._begun = time.monotonic()
        self._ready = False
        self._environment = plan.environment()
        self._kill_at = self._environment.pop("POSTHORN_KILL_AT", "")
        self._emulators = aws.children(plan) if plan.own_aws else []
        self._aws = self._emulators[-1] if self._emulators else None
        self._prepare = self._child("prepare", "infra.local.prepare", grace=2)
        self._front = self._child("front", "infra.local.front", grace=5)
        self._gateway = self._child("gateway", "gateway", grace=25)
        # A runner has attempts in hand; a second Ctrl-C waits for none.
        self._runners = [
            self._child(f"runner-{n}", "infra.local.runner", str(n), grace=plan.lease_seconds)
            for n in range(plan.runners)
        ]
        self._watch = SourceWatch() if plan.reload else None

    def run(self) -> int:
        """Until stopped; the exit code."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note_stop)
        try:
            self._start()
            self._watch_over()
        except StopRequested:
            return 0 if self._ready else embedded.STOPPED_WHILE_STARTING
        except (StackError, PlanError) as error:
            say(f"posthorn: {error}")
            return 1
        finally:
            self._stop()

    def _note_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stop_signals += 1

    def _child(self, name: str, module: str, *arguments: str, grace: float) -> Child:
        command = [sys.executable, "-m", module, *arguments]
        return Child(name, command, self._environment, self._plan.logs / f"{name}.log", grace)

    def _start(self) -> None:
        say(f"starting Posthorn, state in {self._plan.state}")
        for child in (*self._emulators, self._prepare, self._front):
            child.start()
        for runner in self._runners:
            # Only the first worker's first life dies at the named point: whoever comes next must recover.
            fatal = self._kill_at and runner is self._runners[0]
            runner.start({"POSTHORN_KILL_AT": self._kill_at} if fatal else None)
        url, http = self._plan.aws_url, self._plan.http_url
        self._until(lambda: aws.is_ready(url) or self._is_prepared(), f"AWS backend {url}")
        self._until(self._is_prepared, "resources deployed, demo tenant ready")
        if self._aws and self._aws.process and not self._plan.is_localstack:
            self._aws.process.send_signal(signal.SIGUSR1)  # complete: worth saving from now on
        self._gateway.start()
        self._until(lambda: _answers(f"{http}/_local/clock"), f"HTTP {http}")
        smtp = [self._plan.ports[name] for name in ("mx", "submission", "submissions")]
        self._until(lambda: all(map(_listens, smtp)), f"SMTP {HOST}: " + ", ".join(map(str, smtp)))
        self._be_ready()

    def _is_prepared(self) -> bool:
        if self._prepare.is_running:
            return False
        if self._prepare.process and self._prepare.process.returncode != 0:
            said = self._prepare.last_lines(1) or [self._prepare.how_it_ended()]
            raise StackError(f"{said[0]} (log: {self._prepare.log})")
        return True

    def _be_ready(self) -> None:
        described = self._facts()
        if "POSTHORN_DNS" in self._plan.base or "POSTHORN_DELIVERY_PORT" in self._plan.base:
            first = "first message: not sent, because deliveries go to servers of your own"
        else:
            first = send_first_message(described, lambda: self._stop_signals > 0)
        self._raise_if_over()
        self._ready = True
        self._write_facts()
        for line in facts.for_people(described, self._plan):
            say(line)
        say(first)
        say(f"ready in {time.monotonic() - self._begun:.1f} s; Ctrl-C stops everything")

    def _facts(self) -> dict[str, object]:
        pids: dict[str, int | Sequence[int] | None] = {
            "supervisor": os.getpid(),
            "aws": self._aws.pid if self._aws else None,
            "front": self._front.pid,
            "gateway": [self._gateway.pid],
            "runner": [runner.pid for runner in self._runners],
        }
        return facts.facts_of(self._plan, read_secrets(self._plan.state), pids)

    def _write_facts(self) -> None:
        if self._ready:
            self._folder.write_facts(self._facts())

    def _until(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait for something during the start, and say when it came."""
        patience = DEPLOY_SECONDS if self._plan.deployed else READY_SECONDS
        deadline = time.monotonic() + patience
        while not is_so():
            self._raise_if_over()
            if time.monotonic() > deadline:
                raise StackError(f"not there after {patience:.0f} s: {what}; see {self._plan.logs}")
            time.sleep(TICK_SECONDS / 2)
        say(f"{time.monotonic() - self._begun:5.1f} s  {what}")

    def _raise_if_over(self) -> None:
        if self._stop_signals:
            raise StopRequested
        for emulator in self._emulators:
            if not emulator.is_running:
                raise StackError(
                    f"the AWS emulator ended unexpectedly ({emulator.how_it_ended()}), so the stack"
                    f" stops; see {emulator.log}"
                )
        for child in (self._front, *self._runners, self._gateway):
            if child.process and not child.is_running:
                self._revive(child)

    def _revive(self, child: Child) -> None:
        """Start a dead child again, now or when its pause is over; StackError when it dies at once too often."""
        if child.keeps_dying():
            say(f"last lines of {child.log}:")
            for line in child.last_lines(LOG_LINES):
                say(f"  {line}")
            raise StackError(
                f"the {child.name} keeps dying ({child.how_it_ended()}), so the stack stops."
            )
        if child.may_start():
            dead, how = child.pid, child.how_it_ended()
            child.start()
            say(f"{child.name} (process {dead}) died: {how}; started again as process {child.pid}")
            self._write_facts()

    def _watch_over(self) -> NoReturn:
        while True:
            self._raise_if_over()
            if self._watch and (changed := self._watch.changed()):
                children = [*self._runners, self._front]
                self._end(children, MOST_RELOAD_SECONDS)
                for child in children:
                    child.start()
                say(f"{changed} changed: runner and front started again")
                self._write_facts()
            time.sleep(TICK_SECONDS)

    def _stop(self) -> None:
        self._folder.remove_facts()
        say("stopping …")
        self._prepare.ask_to_stop()
        for group in ([self._gateway], self._runners, [self._front, self._prepare]):
            self._end(group)
        for emulator in reversed(self._emulators):
            self._end([emulator])
        if self._emulators:
            aws.forget_unpacked(self._plan)
        self._folder.release()
        say("stopped")

    def _end(self, children: Sequence[Child], most: float = math.inf) -> None:
        """Stop them all, each within its grace; a second Ctrl-C cuts it short, except for the emulator's saving."""
        for child in children:
            child.ask_to_stop()
        for child in children:
            deadline = time.monotonic() + min(child.grace, most)
            patience = self._stop_signals
            while not child.wait(TICK_SECONDS):
                impatient = self._stop_signals > max(1, patience) and child is not self._aws
                if impatient or time.monotonic() > deadline:
                    say(f"{child.name} did not stop in time and was killed")
                    break
            child.kill()


def _check_ports(plan: Plan) -> None:
    for name in DEFAULT_PORTS:
        port = plan.ports[name]
        if (name != "aws" or plan.own_aws) and not is_free(port, udp_too=name == "dns"):
            raise StackError(
                f"port {port} is in use by another program; stop that, or set"
                f" POSTHORN_{name.upper()}_PORT to another port."
            )


def _answers(url: str) -> bool:
    try:
        with direct.open(url, timeout=5):
            return True
    except OSError:
        return False


def _listens(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=1):
            return True
    except OSError:
        return False
