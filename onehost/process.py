"""One of the identical processes of `posthorn serve`: `python -m onehost.process`, started by the supervisor.

It takes mail, serves HTTP and delivers, on one loop over one store; number 0 keeps house besides. It says `ready` on
the pipe that it was given once it serves, and `alive` while its store answers. SIGTERM ends it after what is in hand,
SIGHUP loads its certificate again.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import uvloop

from chalicelib import bootstrap
from chalicelib.adapters.sqlite.bell import Bell
from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.folder import sentence_of
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.adapters.sqlite.processes import Processes
from chalicelib.api.http import HttpAnswer, HttpRequest
from chalicelib.bootstrap import Posthorn
from chalicelib.config import read_settings
from chalicelib.domain.errors import MailError
from chalicelib.ports.rand import Rand
from gateway.assembly import make_gateway
from gateway.configuration import read_configuration
from gateway.server import Gateway
from gateway.site import Services
from onehost.child import ALIVE, COULD_NOT_BEGIN, FAILED, NUMBER, PIPE, READY
from onehost.deliverers import Deliverers
from onehost.listeners import HEALTH, HTTP, inherited, of_gateway
from onehost.options import Options, read_options
from onehost.upkeep import Upkeep
from onehost.web.application import Web
from onehost.web.health import Health
from onehost.web.server import serve_web

ALIVE_SECONDS = 5.0

Work = Callable[[asyncio.Event], Awaitable[None]]
"""What runs beside mail until told to stop."""


class Addition(Protocol):
    """What another program, such as the local stack, adds to a process."""

    async def prepare(self, program: Posthorn) -> None:
        """Called before anything is served."""

    async def first(self, request: HttpRequest) -> HttpAnswer | None:
        """The answer to an HTTP request that is for the addition; None for any other."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which of the processes this is, and where it says how it is."""

    number: int
    pipe: int

    def say(self, word: bytes) -> None:
        """Tell the supervisor, if there is one."""
        if self.pipe >= 0:
            with suppress(OSError):
                os.write(self.pipe, word + b"\n")


def place_of(environment: Mapping[str, str]) -> Place:
    """What the supervisor said of the process; number 0 without one."""
    return Place(int(environment.get(NUMBER, "0")), int(environment.get(PIPE, "-1")))


async def serve(environment: Mapping[str, str], addition: Addition | None = None) -> None:
    """Serve until SIGTERM; returns when what was in hand is done. Raises MailError, ValueError or
    OSError when it cannot begin."""
    place, sockets = place_of(environment), inherited(environment)
    settings = read_settings(environment)
    program = Posthorn(settings, "sqlite")
    bootstrap.use(program)
    name = f"p-{os.getpid()}-{program[Rand].bytes(4).hex()}"
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    gateway = _gateway(program, environment)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, gateway.reload_certificate)
    options = read_options(environment)
    web = Web(program, options, addition.first if addition else None)
    with program[Processes].alive(name), program[Bell].heard(name):
        if addition is not None:
            await addition.prepare(program)
        await gateway.start(of_gateway(sockets))
        async with asyncio.TaskGroup() as group:
            for work in _works(program, options, name, place):
                group.create_task(_run(work, stop))
            if sockets.get(HTTP):
                group.create_task(serve_web(web, sockets[HTTP], stop))
            if sockets.get(HEALTH) and place.number == 0:
                health = Health(program, {"smtp": lambda: gateway.open.total})
                group.create_task(serve_web(health, sockets[HEALTH], stop))
            place.say(READY)
            await stop.wait()
            await gateway.stop()


def _gateway(program: Posthorn, environment: Mapping[str, str]) -> Gateway:
    configuration = replace(
        read_configuration(environment),
        # Without a gather window: while one commit waits for the disk, the next batch gathers anyway.
        commit_wait_seconds=0,
        state=environment.get("POSTHORN_STATE") or program.settings.state_folder,
    )
    return make_gateway(program, configuration, program[Services])


def _works(program: Posthorn, options: Options, name: str, place: Place) -> list[Work]:
    deliverers = Deliverers(program, name, options.deliveries)
    works: list[Work] = [deliverers.run, partial(_be_alive, program, place)]
    if place.number == 0:
        works.append(Upkeep(program).run)
    return works


async def _run(work: Work, stop: asyncio.Event) -> None:
    await work(stop)


async def _be_alive(program: Posthorn, place: Place, stop: asyncio.Event) -> None:
    """Say so as long as the store answers."""
    while not stop.is_set():
        await program[MailDatabase].write(lambda db: fetched(db, "SELECT 1"))
        place.say(ALIVE)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), ALIVE_SECONDS)


def main(environment: Mapping[str, str], addition: Addition | None = None) -> int:
    """Exit code 0 after an orderly stop; 1 when it could not begin: the supervisor, or else standard error, has one
    sentence then."""
    try:
        uvloop.run(serve(environment, addition))
    except MailError as error:
        return _failed(environment, error.public)
    except OSError as error:
        return _failed(environment, sentence_of(error))
    except (ValueError, RuntimeError) as error:
        return _failed(environment, str(error))
    return 0


def _failed(environment: Mapping[str, str], text: str) -> int:
    place = place_of(environment)
    place.say(FAILED + text.replace("\n", " ").encode())
    if place.pipe < 0:
        print(f"posthorn: {text}", file=sys.stderr)
    return COULD_NOT_BEGIN


if __name__ == "__main__":
    sys.exit(main(os.environ))
