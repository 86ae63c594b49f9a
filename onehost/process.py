"""One of the identical processes of `posthorn serve`: `python -m onehost.process`, started by the supervisor.

It takes mail, serves HTTP and delivers, on one loop over one store; number 0 keeps house besides. It says `ready` on
the pipe that it was given once it serves, and `alive` while its store answers. SIGTERM ends it after what is in hand,
SIGHUP loads its certificate again.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

import uvloop

from chalicelib import bootstrap
from chalicelib.adapters.sqlite.bell import Bell
from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.folder import StateFolder, sentence_of
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.adapters.sqlite.processes import Processes
from chalicelib.bootstrap import Parts, Posthorn
from chalicelib.config import Settings, SubmissionPorts, read_settings
from chalicelib.domain.errors import MailError
from chalicelib.ports.rand import Rand
from chalicelib.services.checks import FurtherChecks
from chalicelib.services.events.metrics import FurtherMetrics
from chalicelib.services.pools.look_at_sources import OutwardAddresses
from functions.log_lines import counted, log_for_people, log_without_places
from gateway.assembly import make_gateway
from gateway.configuration import read_configuration
from gateway.server import Gateway
from gateway.site import Services
from onehost.child import ALIVE, COULD_NOT_BEGIN, FAILED, NUMBER, PIPE, READY
from onehost.deliverers import Deliverers
from onehost.doctor.checks import HostChecks
from onehost.doctor.families import HostAddresses
from onehost.host_metrics import HostMetrics
from onehost.kept_counts import HTTP_FILES, LOG_FILES, AnswerCounts, KeptCounts
from onehost.listeners import HEALTH, HTTP, Sockets, inherited, of_gateway
from onehost.options import Options, read_options
from onehost.output import unfailing_output
from onehost.upkeep import Upkeep
from onehost.webhooks import WebhookWorkers

if TYPE_CHECKING:
    from chalicelib.api.http import HttpAnswer, HttpRequest

ALIVE_SECONDS = 5.0
NEW_BEFORE_A_LOOK = 10_000

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

    def served(self, sockets: Sockets) -> Sockets:
        """Of all sockets those that this process serves by HTTP: one alone answers for the health of all."""
        names = (HTTP, HEALTH) if self.number == 0 else (HTTP,)
        return {name: sockets[name] for name in names if sockets.get(name)}

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
    options = read_options(environment)
    program = Posthorn(settings, "sqlite", parts_of(settings, options, environment))
    bootstrap.use(program)
    name = f"p-{os.getpid()}-{program[Rand].bytes(4).hex()}"
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    gateway = _gateway(program, environment)
    counts = _kept_counts(program, place.number, gateway)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, gateway.reload_certificate)
    with program[Processes].alive(name), program[Bell].heard(name):
        if addition is not None:
            await addition.prepare(program)
        await gateway.start(of_gateway(sockets))
        async with asyncio.TaskGroup() as group:
            for work in _works(program, options, name, place, counts):
                group.create_task(_run(work, stop))
            first, count = addition.first if addition else None, lambda: gateway.open.total
            web_works = await asyncio.to_thread(_loaded_web)
            for work in web_works(program, options, place.served(sockets), first, count):
                group.create_task(_run(work, stop))
            leave_alone_what_stays()
            place.say(READY)
            await stop.wait()
            await gateway.stop()
            for one in counts:
                one.keep()


def _kept_counts(program: Posthorn, number: int, gateway: Gateway) -> Sequence[KeptCounts]:
    """What this process counts, of SMTP, of HTTP and of the log, whose lines of SMTP are among them."""
    run = program[StateFolder].run
    counted.update(gateway.site.journal.counted)  # what was told while it was made
    gateway.site.journal.counted = counted
    smtp = KeptCounts(run, number, gateway.site.counts.numbers)
    http = KeptCounts(run, number, program[AnswerCounts].numbers, HTTP_FILES)
    return smtp, http, KeptCounts(run, number, counted, LOG_FILES)


def _loaded_web() -> Callable[..., list[Work]]:
    """HTTP takes nearly as long to load as all the rest. Its clients wait, those of SMTP need not."""
    from onehost.web.serving import web_works

    return web_works


def keep_to_one_processor(number: int) -> None:
    """Run the threads of process `number` on one processor. They share the interpreter's lock, so another one brings
    nothing but cold caches. Several instances on a machine begin at different ones: by their supervisors' numbers."""
    if sys.platform.startswith("linux"):
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {allowed[(os.getppid() + number) % len(allowed)]})


def leave_alone_what_stays() -> None:
    """Let the garbage collector never look again at what the start made, and seldom at what is new: nearly all of
    that goes by itself, with the message it was for."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_BEFORE_A_LOOK, 20, 20)


def _gateway(program: Posthorn, environment: Mapping[str, str]) -> Gateway:
    configuration = replace(
        read_configuration(environment),
        # Without a gather window: while one commit waits for the disk, the next batch gathers anyway.
        commit_wait_seconds=0,
        state=environment.get("POSTHORN_STATE") or program.settings.state_folder,
    )
    # A host has no other task that goes on while this one does not start.
    return make_gateway(program, configuration, program[Services], stand_in=True)


def parts_of(settings: Settings, options: Options, environment: Mapping[str, str]) -> Parts:
    """What one host has that other installations lack."""
    configuration = read_configuration(environment)
    ports = SubmissionPorts(configuration.submission_port, configuration.submissions_port)
    return {
        SubmissionPorts: ports,
        FurtherMetrics: HostMetrics(settings.state_folder, configuration),
        FurtherChecks: HostChecks(settings, configuration, options),
        OutwardAddresses: HostAddresses(settings),
    }


def _works(
    program: Posthorn, options: Options, name: str, place: Place, counts: Sequence[KeptCounts]
) -> list[Work]:
    deliverers = Deliverers(program, name, options.deliveries)
    works: list[Work] = [deliverers.run, partial(_be_alive, program, place, counts)]
    if place.number == 0:
        works += [Upkeep(program).run, WebhookWorkers(program).run]
    return works


async def _run(work: Work, stop: asyncio.Event) -> None:
    await work(stop)


async def _be_alive(
    program: Posthorn, place: Place, counts: Sequence[KeptCounts], stop: asyncio.Event
) -> None:
    """Say so as long as the store answers, and keep what was counted."""
    while not stop.is_set():
        await program[MailDatabase].write(lambda db: fetched(db, "SELECT 1"))
        place.say(ALIVE)
        for one in counts:
            one.keep()
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), ALIVE_SECONDS)


def main(environment: Mapping[str, str], addition: Addition | None = None) -> int:
    """Exit code 0 after an orderly stop; 1 when it could not begin: the supervisor, or else standard error, has one
    sentence then."""
    keep_to_one_processor(place_of(environment).number)
    log_without_places()
    with unfailing_output():
        log_for_people(are_there=sys.stdout.isatty())
        return _run_to_end(environment, addition)


def _run_to_end(environment: Mapping[str, str], addition: Addition | None) -> int:
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
