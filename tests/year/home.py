"""An installation that lives a year: one tenant, its world, and the program, which is opened again now and then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from chalicelib import bootstrap
from chalicelib.adapters.scripted.egress import ScriptedEgress
from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.adapters.scripted.time import ControlledClock, SeededRand
from chalicelib.adapters.scripted.world import scripted_parts
from chalicelib.bootstrap import Parts, Posthorn
from chalicelib.config import Settings
from chalicelib.domain.durations import DAY
from chalicelib.domain.http_exchange import HttpAnswer, HttpRequest
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.domain.tenancy.domains import Domain
from chalicelib.domain.tenancy.track_domains import TRACK_DOMAINS, DnsStatus, TrackDomain
from chalicelib.ports.clock import Clock
from chalicelib.ports.http_client import HttpClient
from chalicelib.ports.keys import KeyMaker
from chalicelib.ports.rand import Rand
from chalicelib.ports.repository import Repository
from chalicelib.services.tenancy.credentials import CredentialOptions, Credentials
from chalicelib.services.tenancy.domain_checks import DomainChecks
from chalicelib.services.tenancy.domains import Domains
from chalicelib.services.tenancy.management_keys import KeyOptions, ManagementKeys
from chalicelib.services.tenancy.servers import ServerOptions
from chalicelib.services.tracking.answer import GREETING
from gateway.configuration import Role
from tests.certificates import PairFiles, new_pair
from tests.gateway_scene import HOST, RunningGateway, running_gateway
from tests.http_api import ApiWorld
from tests.incoming_mail import add_route
from tests.incoming_play import address_route
from tests.published import publish
from tests.webhook_events import a_webhook
from tests.webhook_stage import OK, Receiver
from tests.worlds import KeptKeys, Scene, make_scene
from tests.worlds import publish as publish_host
from tests.year.book import Book
from tests.year.clock import YearClock

HOOK_HOST = "app.example"
MONTHLY = 20
OURS = {
    "smtp_hostname": HOST,
    "web_hostname": "posthorn.acme-host.test",
    "track_domain": "track.acme-host.test",
    "return_path_domain": "rp.acme-host.test",
    "spf_include": "spf.acme-host.test",
    "system_server": "acme/app",
    "system_from": "posthorn@acme.test",
    "postmaster": "ops@example.com",
}


@dataclass
class Home:
    """The installation as it is open at the moment."""

    family: str
    settings: Settings
    clock: YearClock
    files: PairFiles
    book: Book = field(default_factory=Book)
    receiver: Receiver = field(default_factory=Receiver)
    hook_answer: HttpAnswer = field(default_factory=lambda: HttpAnswer(200))
    scene: Scene = field(init=False)
    gateway: RunningGateway = field(init=False)
    api: ApiWorld = field(init=False)
    metered_key: str = ""
    webhook: str = ""
    selectors: list[str] = field(default_factory=list)
    signing: list[str] = field(default_factory=list)
    """Under which mail was signed so far, and may be signed today."""
    _root: str = ""
    _parts: dict[type[Any], Any] = field(default_factory=dict)

    @property
    def program(self) -> Posthorn:
        """The one that is open."""
        return self.scene.posthorn

    @property
    def egress(self) -> ScriptedEgress:
        """The receiving servers."""
        return self.scene.egress

    async def move_in(self, parts: Parts | None = None) -> None:
        """Make the tenant; `parts` are of each program that is opened."""
        world = scripted_parts(live=False)
        self._parts = {
            **world,
            KeyMaker: KeptKeys(),
            Rand: SeededRand(7),
            HttpClient: self.receiver,
        }
        self._parts |= {Clock: self.clock, ControlledClock: self.clock}
        self._parts |= {type(part): part for part in world.values()}
        self._parts |= {Clock: self.clock, ControlledClock: self.clock}
        self._parts |= parts or {}
        self.receiver.answer = self._answer
        self.scene = await make_scene(
            parts=self._parts,
            kept=(self.family, self.settings),
            server=ServerOptions(retry_schedule="2m,10m,1h,4h*15", suppress_hard_fails=1),
        )
        await self._domain()
        await self._credentials()
        webhook = await a_webhook(self.program, self.scene.server, f"https://{HOOK_HOST}/hook")
        self.webhook = webhook.id
        await add_route(self.scene, "support")
        await address_route(self.scene, "fwd", address="elsewhere@example.net")
        self.files.replace(new_pair())

    def _answer(self, request: HttpRequest) -> HttpAnswer:
        if request.method == "GET":  # somebody looks whether https works there
            return HttpAnswer(200, body=GREETING, certificate_ends_at=self.clock.now() + 60 * DAY)
        return self.hook_answer if request.url.host == HOOK_HOST else OK

    async def _domain(self) -> None:
        resolver = self.program[ScriptedResolver]
        publish(resolver, self.program[Domains].records(self.scene.domain))
        checked = await self.program[DomainChecks].check(self.scene.domain)
        self.scene.domain = checked.domain
        self.selectors.append(checked.domain.keys[0].selector)
        for name in (OURS["web_hostname"], HOST, "away.example", "people.example"):
            publish_host(self.program, name)
            resolver.zone[name]["A"] = ["93.184.216.34"]
        resolver.zone[OURS["track_domain"]] = {"A": ["93.184.216.34"]}
        resolver.zone[OURS["return_path_domain"]] = {"MX": [(10, HOST)]}
        resolver.zone[OURS["spf_include"]] = {"TXT": ["v=spf1 ip4:93.184.216.34 ~all"]}
        track = TrackDomain("click.acme.test", "click", "acme.test", self.scene.server.id, "u", 0)
        track = replace(track, dns_status=DnsStatus.OK)
        await self.program[Repository].add(TRACK_DOMAINS, track)
        resolver.zone["click.acme.test"] = {"CNAME": [self.settings.track_domain]}

    async def domain(self) -> Domain:
        """The one that the tenant sends from."""
        return await self.program[Domains].find(self.scene.server, "acme.test")

    async def _credentials(self) -> None:
        _, self.metered_key = await self.program[Credentials].create(
            self.scene.server,
            CredentialKind.API,
            "metered",
            CredentialOptions(send_limit_month=MONTHLY),
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Home]:
        """The program on what is stored, with its listeners, until the end of the block."""
        self.scene.posthorn = Posthorn(self.settings, self.family, self._parts)
        bootstrap.use(self.scene.posthorn)
        pair = {"tls_certificate": str(self.files.certificate), "tls_key": str(self.files.key)}
        try:
            async with running_gateway(scene=self.scene, **pair) as self.gateway:
                self.api = ApiWorld(self.scene)
                yield self
        finally:
            bootstrap.use(None)

    async def ask(self, method: str, path: str, value: Any = None, **headers: str) -> Any:
        """A request to the API; `key` is another than that of the server."""
        return await asyncio.to_thread(self.api.v2, method, path, value, **headers)

    async def manage(self, method: str, path: str, value: Any, tenant: str) -> Any:
        """A request with a key of the installation."""
        if not self._root:
            _, self._root = await self.program[ManagementKeys].create(
                None, "root", KeyOptions(("*",)), "a test"
            )
        return await asyncio.to_thread(self.api.manage, method, path, value, tenant, self._root)

    async def post_form(self, path: str, body: bytes) -> Any:
        """A form that somebody sends without any key."""
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return await asyncio.to_thread(self.api.call, "POST", path, body, kind)

    async def shown_certificate(self) -> bytes:
        """What a new client of the port for submissions is shown."""
        client = await self.gateway.connect(Role.SUBMISSIONS)
        shown: bytes = client.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        client.close()
        return shown


def home_on(family: str, settings: Settings, folder: Path, clock: YearClock) -> Home:
    """A home on these stores; `folder` is where the certificate lies."""
    ours: dict[str, Any] = {**OURS, "greylist_seconds": 60}
    return Home(family, replace(settings, **ours), clock, PairFiles(folder))
