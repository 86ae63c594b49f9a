"""What a view gets: the request, who looks, the tenant of the path, and how to ask, show and lead on.

A view asks, and answers with `render`, `see_other` or `again`. It touches no store, and builds no address by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from chalicelib.api.by_provider import elsewhere
from chalicelib.api.http import HttpAnswer, HttpRequest, MailProgram
from chalicelib.config import Settings
from chalicelib.domain.people.signed_in import SignedIn
from chalicelib.ports.clock import Clock
from chalicelib.web import answers
from chalicelib.web.asking import Asking, Problem
from chalicelib.web.cookies import FLASH, FORM, THEME, Cookies
from chalicelib.web.flash import SECONDS, Flash, read, written
from chalicelib.web.form import Form
from chalicelib.web.rendering import render, zone_of
from chalicelib.web.row import SERVER, Row
from chalicelib.web.visitor import Visitor


@dataclass(frozen=True, slots=True)
class Rendered(HttpAnswer):
    """A page that is to be written from a template."""

    page: Page | None = None
    template: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """One request for a page. `values` are the variable parts of its path, decoded; `prefix` stands before every
    address (the stage of API Gateway, or nothing); `is_ours` says of a path that somebody gave whether it is a page;
    `signed_in` is nobody on public pages alone, whose forms carry `form_token`."""

    program: MailProgram
    request: HttpRequest
    row: Row
    values: Mapping[str, str]
    prefix: str
    cookies: Cookies
    is_ours: Callable[[str], bool]
    form: Form = field(default_factory=Form)
    signed_in: Visitor | None = None
    form_token: str = ""
    asked: dict[str, asyncio.Future[Any]] = field(default_factory=dict)

    @property
    def visitor(self) -> Visitor:
        """Who looks, on a page that is not public."""
        if self.signed_in is None:
            raise TypeError("this page is public")
        return self.signed_in

    @property
    def person(self) -> SignedIn | None:
        """The person who looks; None for nobody."""
        return None if self.signed_in is None else self.signed_in.caller.person

    @property
    def tenant(self) -> str | None:
        """`acme/mail` or `acme`, as the path says."""
        organization, server = self.values.get("org"), self.values.get("server")
        return f"{organization}/{server}" if server else organization

    @property
    def base(self) -> str:
        """The path of the server or organization, without the prefix."""
        organization, server = self.values.get("org"), self.values.get("server")
        if organization is None:
            return ""
        place = f"/org/{quote(organization, safe='')}"
        return f"{place}/servers/{quote(server, safe='')}" if server else place

    @property
    def now(self) -> datetime:
        """The time of the installation."""
        return datetime.fromtimestamp(self.program[Clock].now(), UTC)

    def query(self, name: str) -> str:
        """A parameter of the address, empty when it is not there."""
        return (self.request.query.get(name) or [""])[0].strip()

    def part(self, name: str) -> str:
        """A variable part of the page's path, as it stands in a path that is asked."""
        return quote(self.values[name], safe="")

    @property
    def public_url(self) -> str:
        """What stands before addresses of ours where people copy them: scheme, host and prefix of this request."""
        scheme = "https" if self.cookies.is_secure else "http"
        return f"{scheme}://{self.request.headers.get('host', 'localhost')}{self.prefix}"

    async def ask(self, method: str, path: str, **more: Any) -> Any:
        """The value of an operation of API v2 in the page's tenant (`tenant=` names another); what was asked for this
        page already is not asked again. Problem."""
        more.setdefault("tenant", self.tenant)
        if method != "GET":
            return await self.asking.ask(method, path, **more)
        key = f"{path} {sorted(more.items(), key=lambda one: one[0])}"
        if key not in self.asked:
            self.asked[key] = asyncio.ensure_future(self.asking.ask(method, path, **more))
        return await self.asked[key]

    @property
    def asking(self) -> Asking:
        """Whoever asks the API for this page: nobody on public ones."""
        caller = None if self.signed_in is None else self.signed_in.caller
        return Asking(self.program, caller, self.request)

    async def answer(self, method: str, path: str, **more: Any) -> HttpAnswer:
        """The answer of an operation as it is, whatever its type and status."""
        more.setdefault("tenant", self.tenant)
        asking = Asking(self.program, self.visitor.caller, self.request)
        return await asking.answer(method, path, **more)

    async def ask_or(self, instead: Any, method: str, path: str, **more: Any) -> Any:
        """As `ask`; `instead` when that part of the page cannot be had now or is not for whoever looks."""
        try:
            return await self.ask(method, path, **more)
        except Problem as problem:
            self.request.notes.setdefault("parts_failed", []).append(f"{path}: {problem.status}")
            return instead

    async def ask_all(
        self, *questions: tuple[str, str] | tuple[str, str, Mapping[str, Any]]
    ) -> list[Any]:
        """The values of several operations, asked at a time; None for a part that cannot be had."""

        async def one(question: tuple[Any, ...]) -> Any:
            query = question[2] if len(question) > 2 else None
            return await self.ask_or(None, question[0], question[1], query=query)

        return await asyncio.gather(*(one(question) for question in questions))

    def may(self, *scopes: str) -> bool:
        """Whether whoever looks has these scopes in the tenant of the page."""
        return set(scopes) <= self.visitor.here.scopes

    @property
    def is_owner(self) -> bool:
        """Whether whoever looks may do here what only owners may."""
        return self.visitor.here.is_owner

    def address(self, path: str, **query: str | int | None) -> str:
        """An address of ours: the prefix, the path, whose variable parts are quoted already, and the query."""
        given = {name: one for name, one in query.items() if one not in (None, "")}
        return f"{self.prefix}{path}" + (f"?{urlencode(given)}" if given else "")

    def render(self, template: str, status: int = 200, **values: Any) -> HttpAnswer:
        """A page from a template; what is said of the form before is said on it, once. The dispatcher writes it, when
        what stands around it is known."""
        return Rendered(status, "", {}, (), self, template, values)

    def written(self, rendered: Rendered, frame: Any) -> HttpAnswer:
        """A page with what stands around it."""
        said, cookies = self.cookies.get(FLASH), []
        values = {**self._values(), "frame": frame, "flash": said and read(said), **rendered.values}
        frames = values.pop("frames", "")
        text = render(rendered.template, values)
        if said:
            cookies.append(self.cookies.ended(FLASH))
        if self.form_token and self.form_token != self.cookies.get(FORM):
            cookies.append(self.cookies.set(FORM, self.form_token))
        answer = answers.page(rendered.status, text, frames=frames)
        headers = {**answer.headers, **rendered.headers}
        return replace(answer, headers=headers, cookies=(*rendered.cookies, *cookies))

    def see_other(
        self, path: str, flash: Flash | str | None = None, **query: str | int
    ) -> HttpAnswer:
        """To the page that shows what a form did."""
        answer = answers.see_other(self.address(path, **query))
        if flash is None:
            return answer
        said = Flash(flash) if isinstance(flash, str) else flash
        return answers.also(answer, self.cookies.set(FLASH, written(said), SECONDS))

    def again(self, template: str, problem: Problem, **values: Any) -> HttpAnswer:
        """The form once more, with what was typed and what the API says is wrong; unless it asks who it is first."""
        if problem.code == "confirmation_needed":
            raise problem
        status = 422 if problem.status in (400, 409, 422) else problem.status
        return self.render(template, status, problem=problem, **values)

    def _values(self) -> dict[str, Any]:
        """What every template has."""
        return {
            "page": self,
            "prefix": self.prefix,
            "base": self.prefix + self.base,
            "path": self.request.path,
            "org": self.values.get("org"),
            "server": self.values.get("server"),
            "form": self.form,
            "problem": None,
            "now": self.now,
            "zone": zone_of(self.zone),
            "csrf": self.csrf,
            "nav": self._nav(),
            "theme": self.theme,
        }

    def _nav(self) -> str:
        """The template of the list of pages beside this one."""
        if self.person is None:
            return ""
        if self.values.get("server"):
            return "parts/side.html"
        if self.values.get("org"):
            return "parts/side_organization.html"
        for start in ("admin", "settings"):
            if self.row.pattern == f"/{start}" or self.row.pattern.startswith(f"/{start}/"):
                return "parts/side_admin.html" if start == "admin" else "parts/side_account.html"
        return ""

    @property
    def section(self) -> str:
        """The first part of the path behind the server, such as `/messages`: another server has it, too."""
        behind = self.row.pattern.removeprefix(SERVER)
        return "/".join(behind.split("/")[:2]) if behind != self.row.pattern else ""

    @property
    def initials(self) -> str:
        """Of whoever looks, two letters at most."""
        words = "" if self.person is None else self.person.user.name.partition("@")[0]
        letters = [one[0] for one in words.split() if one[0].isalnum()]
        return "".join(letters[:2]).upper() or "?"

    @property
    def is_local(self) -> bool:
        """Whether this is the local stack, which has an inbox."""
        return bool(self.program[Settings].clock_file)

    @property
    def passkeys_at(self) -> str:
        """Where passkeys work, for a browser that came by another name of this machine; empty where they work here."""
        return elsewhere(self.program, self.request)

    @property
    def csrf(self) -> str:
        """The token that each form carries: of the session, or before a sign-in the one in a cookie of its own."""
        return self.form_token if self.person is None else self.person.csrf

    @property
    def theme(self) -> str:
        """`system`, `light` or `dark`: of the account, or of the browser before a sign-in."""
        person = self.person
        wanted = self.cookies.get(THEME) if person is None else person.user.theme.value
        return wanted if wanted in ("light", "dark") else "system"

    @property
    def zone(self) -> str:
        """The time zone of whoever looks."""
        return "UTC" if self.person is None else self.person.user.time_zone
