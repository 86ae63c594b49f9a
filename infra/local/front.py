"""The front of the local stack: `python -m infra.local.front` serves HTTP, catches mail and answers DNS.

`/_local` and what is below it are the local stack's own; what is for a track domain goes to the tracking function;
every other path is the Chalice app behind `lambda_http`. But for tracking, whose readers come from anywhere, a request
must name a loopback Host (no DNS rebinding) and must not come from another site's page (no cross-site request), except
that a link there may lead here, and that pages frame the HTML of mail from the other name of this machine. Runs until
SIGTERM.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from pkgutil import resolve_name
from typing import NoReturn
from urllib.parse import urlsplit

from chalicelib import bootstrap
from chalicelib.config import Settings
from chalicelib.domain.dns import records
from chalicelib.domain.tracking.visit import is_tracked_path
from chalicelib.services.tenancy.directory import Directory
from chalicelib.services.tenancy.domains import Domains
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import Servers
from chalicelib.services.tracking.domains import TrackDomains
from infra.local import clock, function_url
from infra.local.deployed import VIEWS, Deployed
from infra.local.dns import Published, Zone, serve
from infra.local.dns_answers import PREFIX as DNS_PREFIX
from infra.local.dns_answers import DnsPages, PutAnswers
from infra.local.exchange import Bridge, Request, Response, json_response
from infra.local.folder import front_word
from infra.local.followup import FollowUps
from infra.local.guard import authority_in, is_loopback
from infra.local.inbox_pages import PREFIX, InboxPages
from infra.local.inbox_smtp import InboxServer, inbox_context
from infra.local.inbox_store import InboxStore
from infra.local.lambda_http import LambdaHttp
from infra.local.parts_pages import parts_page
from infra.local.plan import DEFAULT_PORTS, HOST, ROOT
from infra.local.verdict import Judge
from onehost.web.server import serve_web

BACKLOG = 512
HOME = "/_local"
PARTS = f"{HOME}/parts"
DRAIN_SECONDS = 2
OUR_POLICY = "v=spf1 ip4:127.0.0.1 ip6:::1 -all"
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}

Answer = Callable[[Request], Response]
Maybe = Callable[[Request], Response | None]


@dataclass(frozen=True, slots=True)
class Front:
    """Routes a request to whoever answers it; `tracked` is asked first and may have no answer, and so may `app`."""

    pages: Answer
    app: Maybe
    clock_file: Path
    home: Answer
    dns: Answer = lambda request: nothing_at(request.path)
    clock_moved: Callable[[], None] = lambda: None
    tracked: Maybe = lambda _: None

    def __call__(self, request: Request) -> Response | None:
        path = request.path
        if answer := self.tracked(request) or refuse_foreign(request):
            return answer
        if path != HOME and not path.startswith(f"{HOME}/"):
            return self.app(request)
        if path == HOME:
            return self.home(request)
        if path == "/_local/clock":
            return self._serve_clock(request)
        if path == PREFIX or path.startswith(f"{PREFIX}/"):
            return self.pages(request)
        if path == PARTS or path.startswith(f"{PARTS}/"):
            return parts_page(request)
        if path == DNS_PREFIX or path.startswith(f"{DNS_PREFIX}/"):
            return self.dns(request)
        return nothing_at(path)

    def _serve_clock(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                wanted = json.loads(request.body)["advance"]
                if isinstance(wanted, bool) or not isinstance(wanted, int | float):
                    raise TypeError
                clock.advance(self.clock_file, wanted)
                self.clock_moved()
            except clock.ClockError as refused:
                return json_response({"message": str(refused)}, 400)
            except (ValueError, KeyError, TypeError, RecursionError):
                return json_response({"message": 'send {"advance": seconds}'}, 400)
        elif request.method not in SAFE_METHODS:
            return json_response({"message": "Method not allowed"}, 405)
        offset = clock.read_offset(self.clock_file)
        return json_response({"now": time.time() + offset, "offset": offset})


def nothing_at(path: str) -> Response:
    """A 404."""
    return json_response({"message": f"There is nothing at {path[:200]}"}, 404)


def refuse_foreign(request: Request) -> Response | None:
    """A 403 for a request that a page of another site may have sent; None when it is fine."""
    host, authority = request.headers.get("host", ""), authority_in(request.target)
    if not is_loopback(host) or (authority and not is_loopback(authority)):
        return json_response({"message": "the Host must be this machine's loopback address"}, 403)
    site, mode, dest = (
        request.headers.get(f"sec-fetch-{name}") for name in ("site", "mode", "dest")
    )
    # It was sent by our own pages, by a person, or by no browser at all; or a browser goes to another page, and what
    # it gets is not told to the one that it leaves.
    shown_as = ("navigate", "iframe" if request.target.startswith(VIEWS) else "document")
    follows_link = request.method in SAFE_METHODS and (mode, dest) == shown_as
    from_here = request.headers.get("origin") in {None, f"http://{host}"}
    if from_here and (site in {None, "none", "same-origin"} or follows_link):
        return None
    return json_response({"message": "requests from other sites are refused"}, 403)


def published_records() -> list[Published]:
    """What the installation tells its customers to publish, for all domains; MailError when it cannot be read."""
    return bootstrap.run(_collect(bootstrap.posthorn()))


async def _collect(posthorn: bootstrap.Posthorn) -> list[Published]:
    found: list[records.DnsRecord] = []
    for organization in await posthorn[Organizations].all():
        owned = await posthorn[Domains].owned_by(organization)
        for server in await posthorn[Servers].of(organization):
            owned += await posthorn[Domains].owned_by(server)
            for track in await posthorn[TrackDomains].of_server(server):
                found.append(posthorn[TrackDomains].record(track))
        for domain in owned:
            found += posthorn[Domains].records(domain)
    key = (await posthorn[Directory].installation()).signing_key
    return [
        Published("TXT", records.key_name(key).lower(), records.dkim_text(key)),
        *(Published(record.kind, record.name.lower(), record.value) for record in found),
    ]


def our_records(settings: Settings) -> list[Published]:
    """Records of the installation itself (contract 8)."""
    back = settings.return_path_domain
    policy = f"v=spf1 a mx include:{settings.spf_include} ~all"
    found = [
        ("TXT", back, policy),
        *(("TXT", name, OUR_POLICY) for name in (settings.spf_include, settings.smtp_hostname)),
        *(
            ("MX", name, f"10 {host}")
            for name in (back, settings.route_domain)
            for host in settings.mx_host_names
        ),
    ]
    return [Published(kind, name.lower(), value) for kind, name, value in found]


def tracking(zone: Zone, track_domain: str, function: Answer) -> Maybe:
    """What answers requests for track domains; None for any other request."""

    def answer(request: Request) -> Response | None:
        host, is_ours = request.headers.get("host", ""), is_tracked_path(request.path)
        if not is_loopback(host):
            try:
                name = urlsplit(f"//{host}").hostname or ""
            except ValueError:
                return None
            is_ours = name == track_domain or zone.points_to(name, track_domain, is_ours)
        return function(request) if is_ours else None

    return answer


def catch_mail(server: InboxServer, port: int) -> None:
    """Run the inbox's SMTP server on a loop in a thread of its own; returns when it listens."""
    listening = threading.Event()

    async def run() -> None:
        async with await server.start(HOST, port) as listener:
            listening.set()
            await listener.serve_forever()

    threading.Thread(target=lambda: asyncio.run(run()), name="inbox", daemon=True).start()
    if not listening.wait(10):
        raise OSError(f"the inbox cannot listen on port {port}")


def make_front(
    state: Path,
    environment: Mapping[str, str],
    ports: Mapping[str, int],
    make: Callable[[Zone, Answer, Answer], Front],
) -> Front:
    """Start the zone and the inbox; what `make` makes of the zone, the inbox's pages and the home page."""
    settings = bootstrap.posthorn().settings
    now = clock.LocalClock(Path(settings.clock_file)).now
    zone = Zone(
        our_records(settings),
        published_records,
        settings.custom_return_path_prefix,
        PutAnswers(state / "dns.json"),
    )
    serve(zone, ports["dns"])
    store = InboxStore(state / "inbox", now)
    inbox = InboxServer(store, inbox_context(state / "tls"), now, FollowUps(ports["mx"]))
    catch_mail(inbox, ports["inbox"])
    pages = InboxPages(store, Judge(f"{HOST}:{ports['dns']}", now=now))
    facts = {"http": f"http://{HOST}:{ports['http']}", "host": HOST, "ports": ports}
    facts["aws"] = environment.get("AWS_ENDPOINT_URL", "")

    def home(_request: Request) -> Response:
        return pages.page("home.html", count=store.count(), **facts)

    return make(zone, pages, home)


def with_functions(state: Path, environment: Mapping[str, str]) -> Callable[..., Front]:
    """What makes the front of a stack whose functions are elsewhere, or in this process behind Chalice."""
    settings = bootstrap.posthorn().settings
    clock_file = Path(settings.clock_file)

    def make(zone: Zone, pages: Answer, home: Answer) -> Front:
        if environment.get("POSTHORN_FUNCTIONS") == "deployed":
            word = front_word(state, environment)
            deployed = Deployed(state, environment["AWS_ENDPOINT_URL"], word)
            tracked = tracking(zone, settings.track_domain, deployed.tracking)
            return Front(
                pages,
                deployed.app,
                clock_file,
                home,
                DnsPages(zone.put),
                deployed.fire_schedules,
                tracked,
            )
        function = partial(function_url.call, resolve_name("functions.tracking:tracking"))
        tracked = tracking(zone, settings.track_domain, function)
        app = LambdaHttp(resolve_name("functions.api:app"))
        return Front(pages, app, clock_file, home, DnsPages(zone.put), tracked=tracked)

    return make


def ports_of(environment: Mapping[str, str]) -> dict[str, int]:
    """The stack's ports by name."""
    return {name: int(environment[f"POSTHORN_{name.upper()}_PORT"]) for name in DEFAULT_PORTS}


def main(environment: Mapping[str, str]) -> NoReturn:
    sys.path.insert(0, str(ROOT))
    state, ports = Path(environment["POSTHORN_STATE"]), ports_of(environment)
    front = make_front(state, environment, ports, with_functions(state, environment))
    listener = socket.create_server((HOST, ports["http"]), backlog=BACKLOG)
    asyncio.run(serve_until_told(front, listener))
    # Threads that still wait for an emulator have nobody to answer.
    os._exit(0)


async def serve_until_told(front: Front, listener: socket.socket) -> None:
    """Serve HTTP until SIGTERM or SIGINT."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    bridge = Bridge(lambda request: front(request) or nothing_at(request.path))
    await serve_web(bridge, [listener], stop, DRAIN_SECONDS)


if __name__ == "__main__":
    main(os.environ)
