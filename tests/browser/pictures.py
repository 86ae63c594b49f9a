"""The pictures of docs/dashboard.md: `python -m tests.browser.pictures` draws them anew.

They are of a program in memory in which a morning of mail has passed, in Inter, and change only when a page does.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

from chalicelib import bootstrap
from chalicelib.adapters.sqlite.feed import SOURCE, EventFeed
from chalicelib.config import Settings
from chalicelib.domain.people.roles import Role
from chalicelib.domain.reply import Reply
from chalicelib.ports.egress import TransactionResult
from chalicelib.services.events.outbox import Outbox
from onehost.web.application import Web
from tests.filled_site import Site
from tests.page_browser import signed_in
from tests.web_client import serving_web
from tests.worlds import Scene, make_scene

FOLDER = Path(__file__).resolve().parents[2] / "docs/pictures"
FLAGS = ["--no-sandbox", "--disable-gpu", "--font-render-hinting=none"]
INTER = ":root { --sans: Inter, sans-serif; }"
SERVER = "/org/acme/servers/production"
GREYLISTED = TransactionResult(Reply(451, "4.7.1", "Greylisted, try again in 15 minutes"), "RCPT")
UNKNOWN = TransactionResult(Reply(550, "5.1.1", "No such user here"), "RCPT")
SUBJECTS = (
    "Your order is on its way",
    "Reset your password",
    "Receipt for November",
    "Confirm your address",
    "Welcome to Acme",
)
# Name → address, theme, width.
PICTURES = {
    "overview": (SERVER, "light", 1280),
    "messages": (f"{SERVER}/messages/outgoing", "light", 1280),
    "message": (f"{SERVER}/messages/{{waiting}}", "light", 1280),
    "domain": (f"{SERVER}/domains/acme.test", "light", 1280),
    "first-steps": (f"{SERVER}/start", "light", 1280),
    "narrow": (f"{SERVER}/messages/{{waiting}}", "light", 390),
}


async def morning() -> tuple[Scene, int]:
    """A server that has sent mail for some hours, and the number of a message that waits."""
    settings = Settings(web_url="http://localhost:8080", web_hostname="mail.acme.example")
    scene = await make_scene(settings, named="Production")
    scene.egress.always("@example.net", GREYLISTED)
    for number in range(48):
        host = "example.net" if number == 47 else ("example.com", "example.org")[number % 2]
        address = f"{('ada', 'jonas', 'priya', 'tobi', 'noor')[number % 5]}{number}@{host}"
        if number % 16 == 5:
            scene.egress.will(address, UNKNOWN)
        content = (
            f"From: Acme Orders <orders@acme.test>\r\nTo: <{address}>\r\nSubject: {SUBJECTS[number % 5]}\r\n"
            f"Message-ID: <{number}@acme.test>\r\n\r\nHello\r\n"
        ).encode()
        made = await scene.accept(address, content=content)
        await scene.deliver_ready()
        scene.clock.advance(330)
    feed = scene.posthorn[EventFeed]
    while True:  # counted, as the outbox does it
        changes, position = feed.read()
        if position == feed.position():
            return scene, int(made[0].id)
        await scene.posthorn[Outbox].run(SOURCE, changes)
        await feed.move(position)


def draw() -> None:
    """All of them."""
    scene, waiting = bootstrap.run(morning())
    bootstrap.use(scene.posthorn)
    boss = bootstrap.run(
        signed_in(scene.posthorn, "mara@acme.test", Role.OWNER, scene.organization)
    )
    FOLDER.mkdir(exist_ok=True)
    with serving_web(Web(scene.posthorn)) as port, sync_playwright() as playwright:
        site = Site(scene, port, boss, {})
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for name, (address, theme, width) in PICTURES.items():
            height = 800 if width > 400 else 760
            with chromium.new_context(
                viewport={"width": width, "height": height},
                color_scheme="dark" if theme == "dark" else "light",
                reduced_motion="reduce",
                bypass_csp=True,
            ) as context:
                context.add_cookies(
                    [
                        {"name": key, "value": kept, "url": site.url}
                        for key, kept in boss.cookies.items()
                    ]
                )
                page = context.new_page()
                page.goto(site.url + address.format(waiting=waiting))
                page.add_style_tag(content=INTER)
                page.wait_for_timeout(300)
                page.screenshot(path=FOLDER / f"{name}.png", animations="disabled", caret="hide")
        chromium.close()
    bootstrap.use(None)


if __name__ == "__main__":
    draw()
