"""One of the identical processes of `posthorn serve`: `python -m onehost.process`, started by the supervisor.

It takes mail, serves HTTP and delivers, on one loop over one store; number 0 keeps house besides. It says `ready` on
the pipe that it was given once it serves, and `alive` while its store answers. SIGTERM ends it after what is in hand.
"""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

import uvloop

from chalicelib import bootstrap
from chalicelib.adapters.sqlite.bell import Bell
from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.adapters.sqlite.processes import Processes
from chalicelib.bootstrap import Posthorn
from chalicelib.config import read_settings
from chalicelib.domain.errors import MailError
from chalicelib.ports.rand import Rand
from gateway.assembly import make_gateway
from gateway.configuration import read_configuration
from gateway.site import Services
from onehost.child import NUMBER, PIPE
from onehost.deliverers import Deliverers
from onehost.listeners import Sockets, inherited, of_gateway
from onehost.options import Options, read_options
from onehost.upkeep import Upkeep

READY, ALIVE = b"ready\n", b"alive\n"
ALIVE_SECONDS = 5.0
FAILED = 1

Beside = Callable[[Posthorn, Sockets, asyncio.Event], Awaitable[None]]
"""What runs beside mail until told to stop."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which of the processes this is, and where it says how it is."""

    number: int
    pipe: int

    def say(self, word: bytes) -> None:
        """Tell the supervisor, if there is one."""
        if self.pipe >= 0:
            with suppress(OSError):
                os.write(self.pipe, word)


async def serve(environment: Mapping[str, str], beside: tuple[Beside, ...] = ()) -> None:
    """Serve until SIGTERM; returns when what was in hand is done. Raises MailError, ValueError, OSError or
    ssl.SSLError when it cannot begin."""
    place = Place(int(environment.get(NUMBER, "0")), int(environment.get(PIPE, "-1")))
    options, sockets = read_options(environment), inherited(environment)
    settings, configuration = read_settings(environment), read_configuration(environment)
    program = Posthorn(settings, "sqlite")
    bootstrap.use(program)
    name = f"p-{os.getpid()}-{program[Rand].bytes(4).hex()}"
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # Without a gather window: while one commit waits for the disk, the next batch gathers anyway.
    configuration = replace(
        configuration,
        commit_wait_seconds=0,
        state=environment.get("POSTHORN_STATE") or settings.state_folder,
    )
    gateway = make_gateway(program, configuration, program[Services])
    with program[Processes].alive(name), program[Bell].heard(name):
        await gateway.start(of_gateway(sockets))
        async with asyncio.TaskGroup() as group:
            for work in (*_works(program, options, name, place), *beside):
                group.create_task(_run(work, program, sockets, stop))
            place.say(READY)
            await stop.wait()
            await gateway.stop()


def _works(program: Posthorn, options: Options, name: str, place: Place) -> tuple[Beside, ...]:
    deliverers = Deliverers(program, name, options.deliveries)
    works: list[Beside] = [
        lambda _program, _sockets, stop: deliverers.run(stop),
        lambda _program, _sockets, stop: _be_alive(program, place, stop),
    ]
    if place.number == 0:
        works.append(lambda _program, _sockets, stop: Upkeep(program).run(stop))
    return tuple(works)


async def _run(work: Beside, program: Posthorn, sockets: Sockets, stop: asyncio.Event) -> None:
    await work(program, sockets, stop)


async def _be_alive(program: Posthorn, place: Place, stop: asyncio.Event) -> None:
    """Say so as long as the store answers."""
    while not stop.is_set():
        await program[MailDatabase].write(lambda db: fetched(db, "SELECT 1"))
        place.say(ALIVE)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), ALIVE_SECONDS)


def main(environment: Mapping[str, str]) -> int:
    """Exit code 0 after an orderly stop, 1 with one sentence on standard error when it could not begin."""
    try:
        uvloop.run(serve(environment))
    except MailError as error:
        return _failed(error.public)
    except (ValueError, RuntimeError, OSError, ssl.SSLError) as error:
        return _failed(str(error))
    return 0


def _failed(text: str) -> int:
    print(f"posthorn: {text}", file=sys.stderr)
    return FAILED


if __name__ == "__main__":
    sys.exit(main(os.environ))
