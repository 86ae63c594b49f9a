"""The command `posthorn serve`: everything that is checked before the first process is started."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click

from chalicelib.adapters.sqlite.folder import RUN, StateFolder, sentence_of
from chalicelib.cli.commands import Command
from chalicelib.config import Settings, read_settings
from chalicelib.domain.errors import PermanentFailure
from gateway.configuration import Configuration, read_configuration
from onehost.child import Child
from onehost.commands.place_options import CONFIG, STATE
from onehost.commands.session import HostSession
from onehost.listeners import Sockets, open_sockets
from onehost.options import Options, read_options
from onehost.output import unfailing_output
from onehost.serving import SUPERVISOR_LOCK, tell_failing
from onehost.supervisor import Supervisor, say

PROCESS = "onehost.process"
SPARE_SECONDS = 30
# Processes close their listeners as soon as they are told to stop.
MOST_TRIES, TRY_SECONDS = 100, 0.1
LOCKS = "p-*.lock"


@click.command("serve", cls=Command, params=[CONFIG, STATE])
def serve_command(session: HostSession) -> int:
    """Take and deliver mail until stopped: SMTP, the HTTP API and tracking, on this host.

    Settings are POSTHORN_* variables and the settings file. SIGTERM, or Ctrl-C, finishes what is in hand.
    """
    try:
        return serve(session.environment)
    except ValueError as wrong:
        raise PermanentFailure(str(wrong)) from wrong
    except OSError as refused:
        raise PermanentFailure(sentence_of(refused)) from refused


def serve(environment: Mapping[str, str]) -> int:
    """Serve until stopped; the exit code. ValueError, OSError or PermanentFailure when it cannot begin."""
    settings = read_settings(environment)
    if not settings.state_folder:
        raise ValueError("POSTHORN_STATE_FOLDER must name the folder where everything is kept")
    options, configuration = read_options(environment), read_configuration(environment)
    with held(settings), unfailing_output():
        sockets = _opened(configuration, options, environment, settings)
        count = options.process_count
        children = [Child(number, PROCESS, environment, sockets) for number in range(count)]
        where = ", ".join(
            f"{name} {each.getsockname()[0]} port {each.getsockname()[1]}"
            for name, some in sockets.items()
            for each in some
        )
        run = Path(settings.state_folder).absolute() / RUN
        return Supervisor(
            children,
            grace_of(settings),
            lambda: say(f"posthorn serves: {where}"),
            partial(tell_failing, run),
        ).run()


def _opened(
    configuration: Configuration,
    options: Options,
    environment: Mapping[str, str],
    settings: Settings,
) -> Sockets:
    """The sockets, once the processes of a supervisor that was killed have let them go; OSError as `open_sockets`."""
    run, tries = Path(settings.state_folder).absolute() / RUN, MOST_TRIES
    while True:
        try:
            return open_sockets(configuration, options, environment)
        except OSError as error:
            tries -= 1
            if error.errno != errno.EADDRINUSE or not tries or not any(run.glob(LOCKS)):
                raise
        time.sleep(TRY_SECONDS)


def grace_of(settings: Settings) -> float:
    """Seconds that a process may take to finish what it has in hand."""
    return settings.deadline_seconds + settings.settle_seconds + SPARE_SECONDS


@contextmanager
def held(settings: Settings, folder: StateFolder | None = None) -> Iterator[None]:
    """While the block runs nobody else serves the state folder. PermanentFailure says who does."""
    folder = folder or StateFolder(settings)
    path = Path(settings.state_folder).absolute() / RUN / SUPERVISOR_LOCK
    with folder.opening():
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            raise PermanentFailure(
                f"The state folder {folder.path} is served already, by process {_holder(path)}"
            ) from taken
        with folder.opening():
            os.ftruncate(descriptor, 0)
            os.write(
                descriptor, json.dumps({"pid": os.getpid(), "started_at": time.time()}).encode()
            )
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _holder(path: Path) -> str:
    try:
        return str(json.loads(path.read_text())["pid"])
    except (ValueError, KeyError, OSError):
        return "unknown"
