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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType

from infra.local import aws, facts
from infra.local.first_message import send_first_message
from infra.local.folder import FolderError, StateFolder, read_secrets
from infra.local.keys import keys_of
from infra.local.loopback import open_url
from infra.local.plan import DEFAULT_PORTS, HOST, Plan, PlanError, is_free
from infra.local.process import Child
from infra.local.sources_changed import SourceWatch

READY_SECONDS = 60.0
DEPLOY_SECONDS = 300.0  # when the functions are packaged and deployed as well
TICK_SECONDS = 0.05
QUICK_DEATH_SECONDS = 5.0
MOST_QUICK_DEATHS = 5
BACK_OFF_SECONDS = (0.0, 0.5, 1.0, 2.0, 4.0)
GRACE_SECONDS = {
    "gateway": 25.0,
    "front": 5.0,
    "aws": 30.0,
    "tables": 10.0,
    "prepare": 2.0,
}
MOST_RELOAD_SECONDS = (
    20.0  # somebody waits to see a change; what is cut off is tried again when its lease ends
)
LOG_LINES = 8
LARGEST_OLD_LOG = 16 * 1024 * 1024
PORT_NAMES = {
    "http": "front",
    "mx": "gateway",
    "submission": "gateway",
    "submissions": "gateway",
    "inbox": "front",
    "aws": "aws",
    "dns": "front",
}


class StackError(Exception):
    """The stack cannot run. Its text is what the person at the terminal reads."""


class StopRequested(Exception):
    """Ctrl-C or a signal came while the stack was starting."""


def say(line: str) -> None:
    """One line for the person at the terminal; nobody need be there."""
    try:
        print(line, flush=True)
    except OSError:
        sys.stdout = sys.stderr


def run(plan: Plan) -> int:
    """Take the state folder and run the stack until it is stopped; the exit code. PlanError when it cannot be run."""
    if plan.own_aws:
        aws.interpreters(plan)
    folder = StateFolder(plan.state)
    try:
        folder.take()
        if note := folder.prepare(plan.fresh):
            say(note)
        _check_ports(plan)
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
        environment = plan.environment()
        kill_at = environment.pop("POSTHORN_KILL_AT", "")
        # Only the first worker's first life dies at the named point: whoever comes next must recover.
        self._first_life = {"runner-0": {"POSTHORN_KILL_AT": kill_at}} if kill_at else {}
        self._environment = environment
        self._emulators = aws.children(plan) if plan.own_aws else []
        self._aws = self._emulators[-1] if self._emulators else None
        self._prepare = self._child("prepare", "infra.local.prepare")
        self._front = self._child("front", "infra.local.front")
        self._gateway = self._child("gateway", "gateway")
        self._runners = [
            self._child(f"runner-{number}", "infra.local.runner", str(number))
            for number in range(plan.runners)
        ]
        self._watch = SourceWatch() if plan.reload else None
        self._restart_at: dict[str, float] = {}

    def run(self) -> int:
        """Until stopped; the exit code."""
        code = 0
        with self._signals():
            try:
                self._start()
                self._watch_over()
            except StopRequested:
                code = 0 if self._ready else 130
            except (StackError, PlanError) as error:
                say(f"posthorn: {error}")
                code = 1
            finally:
                self._stop()
        return code

    def _child(self, name: str, module: str, *arguments: str) -> Child:
        command = [sys.executable, "-m", module, *arguments]
        return Child(name, command, self._environment, self._plan.logs / f"{name}.log")

    @contextmanager
    def _signals(self) -> Iterator[None]:
        def note(_number: int, _frame: FrameType | None) -> None:
            self._stop_signals += 1

        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, note) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _start(self) -> None:
        for log in self._plan.logs.glob("*.log"):
            if log.stat().st_size > LARGEST_OLD_LOG:
                log.replace(log.with_suffix(".old"))
        say(f"starting Posthorn, state in {self._plan.state}")
        if self._aws:
            aws.make_folders(self._plan)
            for emulator in self._emulators:
                emulator.start()
        self._prepare.start()
        for child in (self._front, *self._runners):
            child.start(self._first_life.get(child.name))
        url = self._plan.aws_url
        self._until(lambda: aws.is_ready(url) or self._is_prepared(), f"AWS backend {url}")
        self._until(self._is_prepared, "resources deployed, demo tenant ready")
        if self._aws and self._aws.process and aws.saves_itself(self._plan):
            self._aws.process.send_signal(signal.SIGUSR1)  # complete: worth saving from now on
        self._gateway.start()
        self._until(lambda: _answers(self._plan.http_url), f"HTTP {self._plan.http_url}")
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
        self._folder.write_facts(self._facts())
        self._ready = True
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
        for child in self._serving():
            if child.process and not child.is_running:
                self._revive(child)

    def _serving(self) -> list[Child]:
        return [self._front, *self._runners, self._gateway]

    def _revive(self, child: Child) -> None:
        """Start a dead child again, now or when its pause is over; StackError when it dies at once too often."""
        moment = time.monotonic()
        due = self._restart_at.get(child.name)
        if due is None:
            # Who is killed from outside did not fail by itself, however often it happens.
            quick = child.age < QUICK_DEATH_SECONDS and not child.was_killed
            child.quick_deaths = child.quick_deaths + 1 if quick else 0
            if child.quick_deaths >= MOST_QUICK_DEATHS:
                say(f"last lines of {child.log}:")
                for line in child.last_lines(LOG_LINES):
                    say(f"  {line}")
                raise StackError(
                    f"the {child.name} keeps dying ({child.how_it_ended()}), so the stack stops."
                )
            due = self._restart_at[child.name] = moment + BACK_OFF_SECONDS[child.quick_deaths]
        if moment < due:
            return
        del self._restart_at[child.name]
        dead, how = child.pid, child.how_it_ended()
        child.start()
        say(f"{child.name} (process {dead}) died: {how}; started again as process {child.pid}")
        self._pids_changed()

    def _pids_changed(self) -> None:
        if self._ready:
            self._folder.write_facts(self._facts())

    def _watch_over(self) -> None:
        while True:
            self._raise_if_over()
            if self._watch and (changed := self._watch.changed()):
                self._reload(changed)
            time.sleep(TICK_SECONDS)

    def _reload(self, changed: Path) -> None:
        children = [*self._runners, self._front]
        for child in children:
            child.ask_to_stop()
        for child in children:
            self._wait_or_kill(child, MOST_RELOAD_SECONDS)
            child.start()
        say(f"{changed} changed: runner and front started again")
        self._pids_changed()

    def _stop(self) -> None:
        self._folder.remove_facts()
        say("stopping …")
        self._prepare.ask_to_stop()
        groups = ([self._gateway], self._runners, [self._front, self._prepare])
        for group in (*groups, *([child] for child in reversed(self._emulators))):
            for child in group:
                child.ask_to_stop()
            for child in group:
                self._wait_or_kill(child)
        self._folder.release()
        say("stopped")

    def _wait_or_kill(self, child: Child, most: float = math.inf) -> None:
        """Its grace period; a second Ctrl-C cuts it short, except for the emulator's saving."""
        # A runner has attempts in hand; a second Ctrl-C waits for none.
        grace = GRACE_SECONDS.get(child.name.partition("-")[0], float(self._plan.lease_seconds))
        deadline = time.monotonic() + min(grace, most)
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
        if (name == "aws" and not plan.own_aws) or is_free(port, udp_too=name == "dns"):
            continue
        variable = f"POSTHORN_{name.upper()}_PORT"
        raise StackError(
            f"port {port} is in use by another program; stop that, or set {variable} to another port."
        )


def _answers(url: str) -> bool:
    try:
        with open_url(f"{url}/_local/clock", timeout=5):
            return True
    except OSError:
        return False


def _listens(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=1):
            return True
    except OSError:
        return False
