"""A browser at a stack's dashboard: signed in, watched, and told which addresses are ours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.e2e.stack import RunningStack, wait_for
from tests.e2e.target import chosen

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response

SECONDS = 90_000  # milliseconds: a function starts cold
_LEADS = re.compile(r"(?:href|src|action|hx-get|hx-post)=\"([^\"]*)\"")
STAGE = "/api" if chosen().deployed else ""
SERVER = f"{STAGE}/org/demo/servers/demo"


class Browsing:
    """One page of a browser; `said` is what must not have happened, `answers` what came."""

    def __init__(self, context: BrowserContext, stack: RunningStack) -> None:
        context.set_default_timeout(SECONDS)
        self.context, self.stack = context, stack
        self.page: Page = context.new_page()
        self.said: list[str] = []
        self.answers: list[Response] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", self._asked)
        self.page.on("response", self._came)

    @property
    def site(self) -> str:
        """Where pages are, without the stage."""
        return str(self.stack.facts["pages"]).rstrip("/")

    @property
    def views(self) -> str:
        """Where the HTML of mail is: at the other name of this machine."""
        return self.site.replace("localhost", "127.0.0.1")

    @property
    def path(self) -> str:
        """Where the browser is."""
        return urlsplit(self.page.url).path

    def open(self, path: str) -> None:
        """Go to an address; it and all that it leads to stand behind the stage."""
        answer = self.page.goto(self.site + path, wait_until="load")
        assert answer is not None
        assert answer.status < 400, (path, answer.status, self.page.inner_text("body")[:500])
        self.expect_addresses()

    def sign_in(self) -> None:
        """As the stack's admin, from the root."""
        admin = self.stack.facts["admin"]
        # A function that starts while the machine is busy may take longer than API Gateway waits.
        wait_for(lambda: self._is_there(f"{self.site}/"), "a page")
        assert self.path == f"{STAGE}/login", self.page.content()[:500]
        self.expect_addresses()
        self.page.get_by_label("E-mail address").fill(admin["email"])
        self.page.get_by_label("Password").fill(admin["password"])
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        self.page.wait_for_url(f"{self.site}{SERVER}*")

    def expect_addresses(self) -> None:
        """Whatever the page leads to stands behind the stage, or at another host."""
        assert astray(self.page.content()) == [], self.page.url

    def _is_there(self, url: str) -> bool:
        answer = self.page.goto(url, wait_until="load")
        return answer is not None and answer.status < 500

    def _came(self, answer: Response) -> None:
        self.answers.append(answer)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.said.append(f"{message.type}: {message.text}")

    def _asked(self, request: Request) -> None:
        own = (f"{self.site}{STAGE}/", f"{self.views}/view/", "data:")
        if not request.url.startswith(own) and request.url != f"{self.site}/":
            self.said.append(f"asked for {request.url}")


def astray(html: str) -> list[str]:
    """Addresses of this host in a page that do not stand behind the stage."""
    found = set(_LEADS.findall(html))
    ours = {one for one in found if one.startswith("/") and not one.startswith("/_local")}
    return sorted(one for one in ours if not f"{one}/".startswith(f"{STAGE}/"))
