"""A dashboard with something on every page, served on a free loopback port out of one program in memory."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib import bootstrap
from chalicelib.config import Settings
from chalicelib.domain.people.roles import Role
from onehost.web.application import Web
from tests.filled_tenant import FilledTenant
from tests.http_api import ApiWorld
from tests.page_browser import Browser, signed_in
from tests.site_map import site_map
from tests.web_client import serving_web
from tests.worlds import Scene, make_scene

# Pages that need no sign-in, and those that no link leads to.
PUBLIC = ("/login", "/login/reset")
STARTS = ("/?all=1", "/admin", "/settings", "/org/acme", "/org/acme/servers/app")
# What needs queues and workers, which tests of pages do without on AWS.
NOT_BY_HAND = frozenset({"/emails/{id}/deliveries/{delivery}", "/pools/{name}"})
HOSTILE = (
    '<script>document.title="stolen"</script><img src=x onerror="document.title=1">',
    "\u202egnp.exe\u2066\u200b right to left \u2069",
    "مرحبا بالعالم עברית 日本語 👩‍👩‍👧‍👦",
    "a" * 10_000,
)


@dataclass
class Site:
    """The program, the port that it is served at, and somebody who may do everything."""

    scene: Scene
    port: int
    boss: Browser
    addresses: dict[str, str]

    @property
    def url(self) -> str:
        """Where pages are."""
        return f"http://localhost:{self.port}"


@contextlib.contextmanager
def filled_program(
    *, hostile: bool = False, on_aws: Settings | None = None
) -> Iterator[tuple[Scene, Browser, dict[str, str]]]:
    """A program with a few of everything, somebody who may do everything in it, and an address of each of its pages;
    `hostile`: in every text that others write."""
    scene = bootstrap.run(make_scene(Settings(web_url="http://localhost:8080"), on_aws=on_aws))
    bootstrap.use(scene.posthorn)
    try:
        without = frozenset[str]() if on_aws is None else NOT_BY_HAND
        FilledTenant(ApiWorld(scene), 2, without=without).fill()
        bootstrap.run(_mail(scene, HOSTILE if hostile else ("Your order 10481 is on its way",)))
        boss = bootstrap.run(
            signed_in(scene.posthorn, "ada@acme.test", Role.OWNER, scene.organization, admin=True)
        )
        yield scene, boss, bootstrap.run(site_map(boss, *STARTS))
    finally:
        bootstrap.use(None)


@contextlib.contextmanager
def filled_site(*, hostile: bool = False) -> Iterator[Site]:
    """Such a program in memory, served."""
    with (
        filled_program(hostile=hostile) as (scene, boss, addresses),
        serving_web(Web(scene.posthorn)) as port,
    ):
        yield Site(scene, port, boss, addresses)


async def _mail(scene: Scene, subjects: tuple[str, ...]) -> None:
    """Mail that was delivered, and mail that waits."""
    for number, subject in enumerate(subjects):
        text = subject.replace("\n", " ")[:900]
        content = (
            f"From: App <app@acme.test>\r\nTo: <p{number}@example.com>\r\nSubject: {text}\r\n"
            f"Message-ID: <{number}@acme.test>\r\n\r\n{subject}\r\n"
        ).encode()
        await scene.accept(f"p{number}@example.com", content=content)
    await scene.deliver_ready()
    await scene.accept("waits@example.net")
