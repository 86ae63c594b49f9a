"""People at browsers: a program in memory that knows its own address and mails, and somebody who goes through it.

    with people_site() as site, walking(chromium, site, scripted=True) as walk:
        walk.open("/login")
        walk.fill("E-mail address", "ada@people.test")
        walk.press("Sign in")

Everything is pressed with the keyboard. Each page that is new is looked at: what has no keyboard way, hidden focus,
what axe finds grave in light and dark. At the end nothing may have been said on the console nor asked for elsewhere.
"""

from __future__ import annotations

import contextlib
import email
import email.policy
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from chalicelib import bootstrap
from chalicelib.bootstrap import Parts
from chalicelib.config import Settings
from chalicelib.domain.people.members import Member
from chalicelib.domain.people.roles import Role
from chalicelib.domain.people.users import User
from chalicelib.domain.rates import SIGN_IN
from chalicelib.services.messages.history import MessageHistory
from onehost.web.application import Web
from tests.browser_looks import HIDDEN_FOCUS, SHOWN_THOUGH_HIDDEN, Watched, context_of
from tests.filled_site import Site
from tests.page_browser import Browser as NoBrowser
from tests.people import PASSWORD, a_person, made_member, signed_in
from tests.stores import all_messages
from tests.web_client import serving_web
from tests.worlds import make_scene

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request

# The controls of the page proper that can be seen; of a group of radio buttons the one that Tab leads to.
_CONTROLS = """() => {
  const named = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
  window.controls = [...document.querySelectorAll("main :is(" + named + ")")].filter((one) =>
    one.checkVisibility() && !one.disabled && !one.matches("[aria-hidden=true], [type=radio]:not(:checked)"));
  document.querySelector("main").focus();
  return window.controls.length;
}"""
_REACHED = "() => window.controls.indexOf(document.activeElement)"
_LEFT = """(reached) => window.controls.filter((_, at) => !reached.includes(at))
  .map((one) => one.outerHTML.slice(0, 160))"""


@dataclass
class PeopleSite(Site):
    """The site, and which of its pages were looked at."""

    seen: set[tuple[bool, str]] = field(default_factory=set)

    def person(self, role: Role | None = Role.OWNER, **changes: Any) -> User:
        """A new user who has PASSWORD, with a role in acme."""
        program = self.scene.posthorn
        user = bootstrap.run(a_person(program, **changes))
        if role is not None:
            bootstrap.run(made_member(program, user, self.scene.organization.id, role))
        return user

    def member(self, user: User, role: Role) -> Member:
        """Make somebody a member of acme."""
        program = self.scene.posthorn
        return bootstrap.run(made_member(program, user, self.scene.organization.id, role))

    def mails(self, to: str) -> list[str]:
        """The texts that were mailed to an address, the oldest first."""

        async def read() -> list[str]:
            history, found = self.scene.posthorn[MessageHistory], []
            for one in sorted(all_messages(self.scene.posthorn), key=lambda one: one.id):
                if one.rcpt_to == to:
                    record = await history.record(self.scene.server.id, one.id)
                    content = await history.content(record)
                    assert content is not None
                    found.append(text_of(content))
            return found

        return bootstrap.run(read())

    def link(self, to: str) -> str:
        """The path of the link in the newest mail to an address."""
        return link_in(self.mails(to)[-1], self.url)


def text_of(content: bytes) -> str:
    """What a mail says, as a mail program shows it."""
    body = email.message_from_bytes(content, policy=email.policy.default).get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def link_in(text: str, url: str) -> str:
    """The path of the one link in a mail, which leads to the pages."""
    (found,) = re.findall(r"https?://\S+", text)
    assert found.startswith(f"{url}/"), found
    return found.removeprefix(url)


@contextlib.contextmanager
def people_site(parts: Parts | None = None, **changes: Any) -> Iterator[PeopleSite]:
    """A program in memory that mails as `posthorn@acme.test`, with these parts in place of its own; `changes` of its
    settings."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        settings = Settings(
            web_url=f"http://127.0.0.1:{port}",
            system_server="acme/app",
            system_from="posthorn@acme.test",
            **changes,
        )
        scene = bootstrap.run(make_scene(settings, parts=parts))
        bootstrap.use(scene.posthorn)
        try:
            with serving_web(Web(scene.posthorn), listener=listener):
                yield PeopleSite(scene, port, NoBrowser(scene.posthorn), {})
        finally:
            bootstrap.use(None)


class Quiet(Watched):
    """A page whose own answer may be an error, which browsers note on the console; what is at `also` is as it is."""

    def __init__(self, page: Page, site: Site, also: tuple[str, ...] = ()) -> None:
        super().__init__(page, site)
        self._also = also
        self._loads: list[tuple[str, str]] = []
        self._gone_to: set[str] = set()

    @property
    def is_here(self) -> bool:
        """Whether it shows a page of ours."""
        return not self.page.url.startswith(self._also or ("data:",))

    @property
    def faults(self) -> list[str]:
        """All that was said, but for what a browser says of a page that is an error."""
        return self.said + [said for where, said in self._loads if where not in self._gone_to]

    def _said(self, message: ConsoleMessage) -> None:
        if not self.is_here:
            return
        if message.text.startswith("Failed to load resource"):
            self._loads.append((message.location["url"], message.text))
            return
        # That it obeys; and that a page does not tell whose password is chosen, as the link alone knows.
        is_known = message.text.startswith("Clear-Site-Data header on ")
        if "/login/reset/" in self.page.url:
            is_known |= "should have (optionally hidden) username fields" in message.text
        if not is_known:
            self.said.append(f"{message.type}: {message.text}")

    def _asked(self, request: Request) -> None:
        if request.is_navigation_request():
            self._gone_to.add(request.url)
        if self.is_here and not request.url.startswith(self._also or ("data:",)):
            super()._asked(request)


@dataclass
class Walk:
    """Somebody at a browser."""

    page: Page
    site: PeopleSite
    scripted: bool
    watched: Quiet

    @property
    def path(self) -> str:
        """Where they are."""
        return urlsplit(self.page.url).path

    @property
    def main(self) -> str:
        """What the page says."""
        return self.page.inner_text("main")

    @property
    def heading(self) -> str:
        """What the page is called."""
        return self.page.inner_text("h1")

    def open(self, path: str) -> int:
        """Go to an address of the site; the status."""
        answer = self.page.goto(f"{self.site.url}{path}")
        assert answer is not None
        self.look()
        return answer.status

    def fill(self, label: str, value: str) -> None:
        """Type into a field."""
        self.page.get_by_label(label, exact=True).fill(value)

    def press(self, name: str, inside: Locator | None = None) -> int:
        """Press a button or a link, and look at the page that it leads to; its status."""
        place = inside or self.page.locator("body")
        found = place.get_by_role("button", name=name, exact=True)
        found = found.or_(place.get_by_role("link", name=name, exact=True))
        with self.page.expect_navigation() as led:
            found.press("Enter")
        self.look()
        assert led.value is not None
        return led.value.status

    def sign_in(self, email: str, password: str = PASSWORD, path: str = "/login") -> int:
        """By address and password, from a page that asks for them."""
        if urlsplit(self.page.url).path != "/login":
            self.open(path)
        self.fill("E-mail address", email)
        self.fill("Password", password)
        return self.press("Sign in")

    def enter(self, user: User) -> None:
        """As somebody who has just signed in, without the pages that lead there."""
        token = bootstrap.run(signed_in(self.site.scene.posthorn, user))
        self.page.context.add_cookies([{"name": "posthorn", "value": token, "url": self.site.url}])

    def sign_out(self) -> None:
        """By the menu of the account."""
        self.page.locator("[popovertarget=account]").press("Enter")
        self.press("Sign out")

    def look(self) -> None:
        """Look at the page, unless it is somebody else's, or one like it was looked at."""
        if not self.watched.is_here:
            return
        assert self.page.locator("h1").count() == 1, self.page.content()[:2_000]
        like = (self.scripted, f"{self.page.title()} {self.heading}")
        if like in self.site.seen:
            return
        self.site.seen.add(like)
        faults = self._out_of_reach()
        faults += [f"shown though hidden: {one}" for one in self.page.evaluate(SHOWN_THOUGH_HIDDEN)]
        if self.scripted:
            faults += self.watched.grave()
            self.page.emulate_media(color_scheme="dark")
            faults += [f"dark: {one}" for one in self.watched.grave(only_colours=True)]
            self.page.emulate_media(color_scheme="light")
        assert not faults, f"{self.page.url}: " + "\n".join(faults)

    def _out_of_reach(self) -> list[str]:
        """Controls that the keyboard does not lead to, or whose focus is not seen."""
        focused = self.page.evaluate("() => document.activeElement.id")
        count = self.page.evaluate(_CONTROLS)
        reached, faults = set(), []
        for _ in range(count + 2 + 4 * self.page.locator("main [type=date]").count()):  # its parts
            if len(reached) == count:
                break
            self.page.keyboard.press("Tab")
            reached.add(self.page.evaluate(_REACHED))
            reached.discard(-1)
            faults += [f"hidden focus: {one}" for one in [self.page.evaluate(HIDDEN_FOCUS)] if one]
        left = self.page.evaluate(_LEFT, sorted(reached))
        if focused == "errors":
            self.page.locator("#errors").focus()
        return faults + [f"no way by keyboard: {one}" for one in left]


@contextlib.contextmanager
def walking(
    chromium: Browser, site: PeopleSite, *, scripted: bool, also: tuple[str, ...] = ()
) -> Iterator[Walk]:
    """A new browser, with script or without; nobody has failed to sign in of late."""
    site.scene.clock.advance(SIGN_IN.seconds)
    with context_of(chromium, site, signed_in=False, java_script_enabled=scripted) as context:
        page = context.new_page()
        walk = Walk(page, site, scripted, Quiet(page, site, also))
        yield walk
        assert not walk.watched.faults, "\n".join(walk.watched.faults)
