"""The front of the local stack: `python -m infra.local.front` serves HTTP, catches mail and answers DNS.

`/_local/*` and `/` are the local stack's own; what is for a track domain goes to the tracking function; every other
path is the Chalice app behind `lambda_http`. But for tracking, whose readers come from anywhere, a request must name a
loopback Host (no DNS rebinding) and must not come from another site's page (no cross-site request), except that a link
there may lead here. Runs until SIGTERM.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from chalicelib import bootstrap
from chalicelib.config import Settings
from chalicelib.domain import dnsrecords
from chalicelib.services.directory import Directory
from chalicelib.services.domains import Domains
from chalicelib.services.organizations import Organizations
from chalicelib.services.servers import Servers
from chalicelib.services.track_domains import TrackDomains
from infra.local import clock, deployed, function_url
from infra.local.certificate import inbox_context
from infra.local.dns import Published, Zone, serve
from infra.local.followup import FollowUps
from infra.local.function_url import is_tracked_path
from infra.local.guard import authority_in, is_loopback
from infra.local.http_server import Request, Response, Server, json_response
from infra.local.inbox_pages import PREFIX, InboxPages
from infra.local.inbox_smtp import InboxServer
from infra.local.inbox_store import InboxStore
from infra.local.keys import front_word
from infra.local.lambda_http import LambdaHttp
from infra.local.plan import DEFAULT_PORTS, HOST, ROOT
from infra.local.verdict import Judge

OUR_POLICY = "v=spf1 ip4:127.0.0.1 ip6:::1 -all"
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}

Answer = Callable[[Request], Response]


class Front:
    """Routes a request to whoever answers it."""

    def __init__(
        self,
        pages: Answer,
        app: Answer,
        clock_file: Path,
        home: Answer,
        clock_moved: Callable[[], None] = lambda: None,
        tracked: Callable[[Request], Response | None] = lambda _: None,
    ) -> None:
        self._pages = pages
        self._app = app
        self._clock_file = clock_file
        self._clock = clock.LocalClock(clock_file)
        self._home = home
        self._clock_moved = clock_moved
        self._tracked = tracked

    def __call__(self, request: Request) -> Response:
        path = request.path
        if (answer := self._tracked(request)) is not None:
            return answer
        if refusal := refuse_foreign(request):
            return refusal
        if path != "/" and not path.startswith("/_local"):
            return self._app(request)
        if path == "/":
            return self._home(request)
        if path == "/_local/clock":
            return self._serve_clock(request)
        if path == PREFIX or path.startswith(f"{PREFIX}/"):
            return self._pages(request)
        return json_response({"message": f"There is nothing at {path[:200]}"}, 404)

    def _serve_clock(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                wanted = json.loads(request.body)["advance"]
                if isinstance(wanted, bool) or not isinstance(wanted, int | float):
                    raise TypeError
                clock.advance(self._clock_file, wanted)
                self._clock_moved()
            except clock.ClockError as refused:
                return json_response({"message": str(refused)}, 400)
            except (ValueError, KeyError, TypeError, RecursionError):
                return json_response({"message": 'send {"advance": seconds}'}, 400)
        elif request.method not in SAFE_METHODS:
            return json_response({"message": "Method not allowed"}, 405)
        offset = clock.read_offset(self._clock_file)
        now = self._clock.now() - self._clock.offset() + offset
        return json_response({"now": now, "offset": offset})


def refuse_foreign(request: Request) -> Response | None:
    """A 403 for a request that a page of another site may have sent; None when it is fine."""
    host = request.headers.get("host", "")
    authority = authority_in(request.target)
    if not is_loopback(host) or (authority and not is_loopback(authority)):
        return json_response({"message": "the Host must be this machine's loopback address"}, 403)
    from_here = request.headers.get("origin") in {None, f"http://{host}"}
    if from_here and (_is_of_this_site(request) or _follows_a_link(request)):
        return None
    return json_response({"message": "requests from other sites are refused"}, 403)


def _is_of_this_site(request: Request) -> bool:
    """Whether it was sent by our own pages, by a person, or by no browser at all."""
    return request.headers.get("sec-fetch-site", "none") in {"none", "same-origin"}


def _follows_a_link(request: Request) -> bool:
    """Whether a browser goes to another page; what it gets is not told to the one that it leaves."""
    how = [request.headers.get(f"sec-fetch-{name}") for name in ("mode", "dest")]
    return request.method in SAFE_METHODS and how == ["navigate", "document"]


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def published_records() -> list[Published]:
    """What the installation tells its customers to publish, for all domains; MailError when it cannot be read."""
    return bootstrap.run(_collect(bootstrap.posthorn()))


async def _collect(posthorn: bootstrap.Posthorn) -> list[Published]:
    found: list[Published] = []
    for organization in await posthorn[Organizations].all():
        owned = await posthorn[Domains].owned_by(organization)
        for server in await posthorn[Servers].of(organization):
            owned += await posthorn[Domains].owned_by(server)
            for track in await posthorn[TrackDomains].of_server(server):
                record = posthorn[TrackDomains].record(track)
                found.append(Published(record.kind, record.name, record.value))
        for domain in owned:
            for record in posthorn[Domains].records(domain):
                found.append(Published(record.kind, record.name.lower(), record.value))
    installation = await posthorn[Directory].installation()
    key = installation.signing_key
    found.append(Published("TXT", dnsrecords.key_name(key).lower(), dnsrecords.dkim_text(key)))
    return found


def our_records(settings: Settings) -> Iterable[Published]:
    """Records of the installation itself."""
    for name in {settings.return_path_domain, settings.spf_include, settings.smtp_hostname}:
        yield Published("TXT", name, OUR_POLICY)


def tracking(
    zone: Zone, track_domain: str, function: Answer
) -> Callable[[Request], Response | None]:
    """What answers requests for track domains; None for any other request."""

    def is_track_domain(hostname: str, anew: bool) -> bool:
        return hostname == track_domain or zone.points_to(hostname, track_domain, anew)

    def answer(request: Request) -> Response | None:
        host, shaped = request.headers.get("host", ""), is_tracked_path(request.path)
        ours = shaped if is_loopback(host) else is_track_domain(_hostname(f"//{host}"), shaped)
        return function(request) if ours else None

    return answer


def load_tracking() -> Answer:
    """The tracking function of the repository."""
    return function_url.Here(importlib.import_module("functions.tracking").tracking)


def load_app() -> Answer:
    """The Chalice app of the repository."""
    return LambdaHttp(importlib.import_module("app").app)


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


def main(environment: Mapping[str, str]) -> int:
    sys.path.insert(0, str(ROOT))
    state = Path(environment["POSTHORN_STATE"])
    ports = {name: int(environment[f"POSTHORN_{name.upper()}_PORT"]) for name in DEFAULT_PORTS}
    clock_file = Path(environment["POSTHORN_CLOCK_FILE"])
    settings = bootstrap.posthorn().settings
    local_clock = clock.LocalClock(clock_file)
    store = InboxStore(state / "inbox", local_clock.now)
    follow_ups = FollowUps(ports["mx"])
    zone = Zone(our_records(settings), published_records, settings.custom_return_path_prefix)
    serve(zone, ports["dns"])
    catch_mail(
        InboxServer(store, inbox_context(state / "tls"), local_clock.now, follow_ups),
        ports["inbox"],
    )
    pages = InboxPages(store, Judge(f"{HOST}:{ports['dns']}", now=local_clock.now))
    facts = {"http": f"http://{HOST}:{ports['http']}", "host": HOST, "ports": ports}
    facts["aws"] = environment["AWS_ENDPOINT_URL"]

    def home(_request: Request) -> Response:
        return pages.page("home.html", count=store.count(), **facts)

    if environment.get("POSTHORN_FUNCTIONS") == "deployed":
        word = front_word(state, environment)
        app: Answer = deployed.Forward(state, word)
        function: Answer = function_url.Deployed(state, environment["AWS_ENDPOINT_URL"], word)
        clock_moved = partial(deployed.fire_sweep, state)
        tracked = tracking(zone, settings.track_domain, function)
        front = Front(pages, app, clock_file, home, clock_moved, tracked)
    else:
        tracked = tracking(zone, settings.track_domain, load_tracking())
        front = Front(pages, load_app(), clock_file, home, tracked=tracked)
    server = Server((HOST, ports["http"]), front)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.1)
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
