"""A browser without script, in the test's own process: it keeps cookies, follows 303, and sends the forms of a page.

browser = await signed_in(program, "ada@acme.test", {scene.organization: Role.OWNER})
shown = await browser.get("/org/acme")
after = await browser.submit(shown, "Create", name="Mail")
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import count
from urllib.parse import parse_qs, urlencode, urlsplit

from chalicelib.api.http import HttpAnswer, HttpRequest
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.ids import key_digest
from chalicelib.domain.people.members import MEMBERS, Member
from chalicelib.domain.people.roles import Role
from chalicelib.domain.people.sessions import SESSIONS, UNUSED_SECONDS, Session
from chalicelib.domain.people.users import USERS, User
from chalicelib.domain.tenancy.organizations import Organization
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Repository
from chalicelib.web.entry import answer_page

HOST = "127.0.0.1:8080"
ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
MOST_STEPS = 5
_numbers = count(1)


@dataclass
class SentForm:
    """A form of a page: where it leads, what its fields hold, which of them are boxes to tick, and the words of its
    buttons with their fields."""

    action: str
    method: str = "get"
    fields: dict[str, list[str]] = field(default_factory=dict)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)
    boxes: set[str] = field(default_factory=set)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[SentForm] = []
        self.links: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.ids: list[str] = []
        self.nodes = 0
        self._open: SentForm | None = None
        self._said: list[str] | None = None
        self._select = self._area = ""
        self._skipped = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        of = {name: value or "" for name, value in attrs}
        self.nodes += 1
        if "id" in of:
            self.ids.append(of["id"])
        if tag in ("script", "style", "title", "svg"):
            self._skipped += tag != "svg"
        elif tag == "form":
            self._open = SentForm(of.get("action", ""), of.get("method", "get").lower())
            self.forms.append(self._open)
        elif tag in ("a", "button"):
            self._said = []
            if tag == "a":
                self.links.append(("", of.get("href", "")))
            elif self._open is not None and of.get("type", "submit") == "submit":
                self._open.buttons.append(("", of.get("name", ""), of.get("value", "")))
        elif self._open is not None:
            self._control(tag, of)

    def _control(self, tag: str, of: Mapping[str, str]) -> None:
        assert self._open is not None
        name = of.get("name", "")
        if tag == "input" and name:
            kind = of.get("type", "text")
            if kind == "checkbox":
                self._open.boxes.add(name)
            if kind not in ("checkbox", "radio") or "checked" in of:
                default = "on" if kind in ("checkbox", "radio") else ""
                self._open.fields.setdefault(name, []).append(of.get("value", default))
        elif tag == "textarea":
            self._area = name
            self._open.fields.setdefault(name, []).append("")
        elif tag == "select":
            self._select = name
            self._open.fields.setdefault(name, [])
        elif tag == "option" and self._select:
            held = self._open.fields[self._select]
            if not held or "selected" in of:
                self._open.fields[self._select] = [of.get("value", "")]

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style", "title"):
            self._skipped = max(0, self._skipped - 1)
        elif tag == "form":
            self._open = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = ""
        elif tag in ("a", "button") and self._said is not None:
            words = " ".join("".join(self._said).split())
            if tag == "a":
                self.links[-1] = (words, self.links[-1][1])
            elif self._open is not None and self._open.buttons:
                _, name, value = self._open.buttons[-1]
                self._open.buttons[-1] = (words, name, value)
            self._said = None

    def handle_data(self, data: str) -> None:
        if self._skipped:
            return
        if self._said is not None:
            self._said.append(data)
        if self._area and self._open is not None:
            self._open.fields[self._area][-1] += data
        self.words.append(data)


@dataclass(frozen=True)
class Shown:
    """A page as it came."""

    path: str
    status: int
    html: str
    answer: HttpAnswer

    @property
    def _read(self) -> _Reader:
        reader = _Reader()
        reader.feed(self.html)
        return reader

    @property
    def text(self) -> str:
        """Its words, blanks as one."""
        return " ".join("".join(self._read.words).split())

    @property
    def title(self) -> str:
        """What stands in the tab."""
        return self.html.partition("<title>")[2].partition("</title>")[0]

    @property
    def forms(self) -> list[SentForm]:
        """Its forms."""
        return self._read.forms

    @property
    def links(self) -> dict[str, str]:
        """Where the words of each link lead."""
        return dict(self._read.links)

    @property
    def addresses(self) -> set[str]:
        """Where its links lead."""
        return {where for _, where in self._read.links}

    @property
    def nodes(self) -> int:
        """How many elements it has."""
        return self._read.nodes

    @property
    def repeated_ids(self) -> set[str]:
        """Ids that more than one element has."""
        ids = self._read.ids
        return {one for one in ids if ids.count(one) > 1}

    def form(self, button: str) -> SentForm:
        """The form with this button."""
        found = [one for one in self.forms for words, _, _ in one.buttons if words == button]
        assert found, (button, [one.buttons for one in self.forms], self.text[:2_000])
        return found[0]

    def has_button(self, button: str) -> bool:
        """Whether a form has this button."""
        return any(words == button for one in self.forms for words, _, _ in one.buttons)


@dataclass
class Browser:
    """One browser at one program; `prefix` is the stage of API Gateway."""

    program: Posthorn
    cookies: dict[str, str] = field(default_factory=dict)
    host: str = HOST
    prefix: str = ""

    async def get(self, address: str, **headers: str) -> Shown:
        """A page by its address, behind the prefix; what leads elsewhere is followed."""
        return await self._followed(await self.ask("GET", address, b"", headers))

    async def post(
        self, address: str, fields: Mapping[str, str | list[str]], **headers: str
    ) -> Shown:
        """Send fields, and see where that leads."""
        return await self._followed(await self.send(address, fields, **headers))

    async def send(
        self, address: str, fields: Mapping[str, str | list[str]], **headers: str
    ) -> Shown:
        """Send fields; the answer itself."""
        kind = "application/x-www-form-urlencoded"
        body = urlencode(fields, doseq=True).encode()
        return await self.ask("POST", address, body, {"content-type": kind, **headers})

    async def submit(self, shown: Shown, button: str, **values: str | list[str] | None) -> Shown:
        """Fill in the form of a page that has this button, press it, and see where that leads."""
        form = shown.form(button)
        assert form.method == "post", form
        _, name, value = next(one for one in form.buttons if one[0] == button)
        filled: dict[str, str | list[str]] = {**form.fields, **({name: value} if name else {})}
        for one, given in values.items():
            if given is None:
                filled.pop(one, None)
            else:
                filled[one] = given
        return await self.post((form.action or shown.path).removeprefix(self.prefix), filled)

    async def ask(
        self, method: str, address: str, body: bytes, headers: Mapping[str, str]
    ) -> Shown:
        """One request."""
        parts = urlsplit(address)
        sent = {"host": self.host, "accept": ACCEPT, "user-agent": "Test/1"}
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        query = parse_qs(parts.query, keep_blank_values=True)
        values = {} if parts.path == "/" else {"page": parts.path.lstrip("/")}
        request = HttpRequest(
            method,
            self.prefix + parts.path,
            values,
            query,
            sent,
            body,
            "192.0.2.7",
            f"r{next(_numbers)}",
        )
        answer = await answer_page(self.program, request)
        for one in _set_cookies(answer):
            name, _, rest = one.partition("=")
            value = rest.partition(";")[0]
            self.cookies.pop(name, None)
            if value and "Max-Age=0" not in one:
                self.cookies[name] = value
        html = answer.body if isinstance(answer.body, str) else answer.body.decode()
        return Shown(address, answer.status, html, answer)

    async def _followed(self, shown: Shown) -> Shown:
        for _ in range(MOST_STEPS):
            if shown.status not in (303, 308):
                return shown
            where = shown.answer.headers["Location"]
            assert where.startswith(f"{self.prefix}/"), where
            shown = await self.ask("GET", where.removeprefix(self.prefix), b"", {})
        raise AssertionError("a circle of pages")


def _set_cookies(answer: HttpAnswer) -> Iterator[str]:
    if "Set-Cookie" in answer.headers:
        yield answer.headers["Set-Cookie"]
    yield from answer.cookies


def cookie_name(program: Posthorn, name: str = "posthorn") -> str:
    """What a cookie is called where this program is reached."""
    return name if program.settings.public_url.startswith("http://") else f"__Host-{name}"


async def make_user(program: Posthorn, email: str, *, admin: bool = False) -> User:
    """Somebody who has an account, and no password."""
    now = int(program[Clock].now())
    user = User(f"us{key_digest(email)[:10]}", email, now, "Ada", "Lovelace", admin=admin)
    await program[Repository].add(USERS, user)
    return user


async def join(
    program: Posthorn,
    user: User,
    organization: Organization,
    role: Role,
    servers: tuple[Server, ...] | None = None,
    *,
    read_content: bool | None = None,
) -> None:
    """Make somebody a member."""
    limited = None if servers is None else tuple(one.id for one in servers)
    now = int(program[Clock].now())
    member = Member(organization.id, user.id, role, now, limited, read_content)
    await program[Repository].add(MEMBERS, member)


async def signed_in(
    program: Posthorn,
    email: str = "ada@acme.test",
    role: Role | None = Role.OWNER,
    organization: Organization | None = None,
    *,
    admin: bool = False,
    user: User | None = None,
) -> Browser:
    """The browser of somebody who has just signed in: a new user unless one is given, with a role somewhere."""
    user = user or await make_user(program, email, admin=admin)
    if role is not None and organization is not None:
        await join(program, user, organization, role)
    token, now = f"token{next(_numbers)}of{user.id}", int(program[Clock].now())
    session = Session(
        key_digest(token), f"sn{next(_numbers)}", user.id, now, now, now + UNUSED_SECONDS, now
    )
    await program[Repository].add(SESSIONS, session)
    return Browser(program, {cookie_name(program): token})
