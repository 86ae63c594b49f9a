"""The serving process of the local stack on one host: that of `posthorn serve` with demo tenant, inbox and DNS in it.

`python -m infra.local.serving`, started by infra/local/embedded.py.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

from chalicelib import bootstrap
from chalicelib.api.http import HttpAnswer, HttpRequest
from chalicelib.bootstrap import Posthorn
from infra.local.dns_answers import DnsPages
from infra.local.exchange import Request, Response
from infra.local.front import Front, make_front, ports_of
from infra.local.plan import ROOT
from infra.local.seed import seed
from onehost.process import main
from onehost.web.requests import name_in
from onehost.web.track_hosts import TrackHosts


class LocalStack:
    """What the local stack adds to the process."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._program: Posthorn | None = None
        self._front: Front | None = None

    async def prepare(self, program: Posthorn) -> None:
        """Make the demo tenant, and start the DNS and the inbox, which have threads of their own."""
        bootstrap.run_on(asyncio.get_running_loop())
        state, ports = Path(self._environment["POSTHORN_STATE"]), ports_of(self._environment)
        await seed(program, state)
        clock_file = Path(program.settings.clock_file)
        self._front = await asyncio.to_thread(
            make_front,
            state,
            self._environment,
            ports,
            lambda zone, pages, home: Front(pages, _nothing, clock_file, home, DnsPages(zone.put)),
        )
        self._program = program

    async def first(self, request: HttpRequest) -> HttpAnswer | None:
        """The stack's own pages, and a refusal of what a page of another site sent. Readers of mail come from
        anywhere."""
        if self._front is None or self._program is None:
            return None
        host = name_in(request.headers.get("host", ""))
        if await self._program[TrackHosts].are_asked(host, request.path):
            return None
        query = urlencode([(name, each) for name, some in request.query.items() for each in some])
        target = f"{request.path}?{query}" if query else request.path
        asked = Request(request.method, target, dict(request.headers), request.body)
        answer = await asyncio.to_thread(self._front, asked)
        if answer is None:
            return None
        return HttpAnswer(answer.status, answer.body, dict(answer.headers))


def _nothing(_request: Request) -> Response | None:
    return None


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main(os.environ, LocalStack(os.environ)))
