"""Pages of a scene as somebody with chosen rights sees them, through the dispatcher, without signing in.

Whoever looks is a key of the organization with a session's token, so that pages are tested apart from sessions.
"""

from __future__ import annotations

import gzip
import html
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from chalicelib import bootstrap
from chalicelib.api.http import HttpRequest, MailProgram
from chalicelib.domain.tenancy.management_keys import ManagementKey
from chalicelib.services.tenancy.callers import Caller, Callers
from chalicelib.web import dispatch
from tests.http_api import ApiWorld

VIEWER = (
    "emails:read",
    "domains:read",
    "routing:read",
    "webhooks:read",
    "suppressions:read",
    "statistics:read",
    "servers:read",
    "people:read",
)
MEMBER = (
    *VIEWER,
    "emails:send",
    "emails:write",
    "domains:write",
    "routing:write",
    "webhooks:write",
    "suppressions:write",
)
OWNER = ("*",)
CSRF = "token-of-the-session"
LARGEST = 50_000  # bytes of a page, packed
_numbers = itertools.count(1)


class Seen(Caller):
    """A key that has a session."""

    @property
    def person(self) -> Any:
        return SimpleNamespace(
            session=SimpleNamespace(csrf=CSRF, id="se1"),
            csrf=CSRF,
            user=SimpleNamespace(
                id="us1", email="ada@acme.test", theme="system", time_zone="UTC", newest_first=True
            ),
        )


@dataclass(frozen=True)
class Shown:
    """What a page is."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def plain(self) -> str:
        """What a reader sees: without tags, with entities resolved and blanks joined."""
        return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", self.text)).split())

    @property
    def location(self) -> str:
        return self.headers["Location"]

    @property
    def packed(self) -> int:
        return len(gzip.compress(self.text.encode(), 6))

    def forms(self) -> list[str]:
        """Where forms lead that change something."""
        return re.findall(r'<form method="post" action="([^"]*)"', self.text)

    def has(self, *words: str) -> bool:
        return all(word in self.plain for word in words)


@dataclass
class Looker:
    """Looks at the pages of a server."""

    api: ApiWorld
    scopes: tuple[str, ...] = OWNER
    host: str = "posthorn.test"
    cookie: str = ""
    asked: list[str] = field(default_factory=list)

    @property
    def server(self) -> str:
        server = self.api.scene.server
        return f"/org/{server.organization_permalink}/servers/{server.permalink}"

    def get(self, path: str, **query: Any) -> Shown:
        """A page of the server; a path that begins with // is one of the whole program."""
        return self._ask("GET", path, query, b"")

    def post(self, path: str, **fields: Any) -> Shown:
        fields.setdefault("csrf", CSRF)
        return self._ask("POST", path, {}, urlencode(fields, doseq=True).encode())

    def follow(self, shown: Shown) -> Shown:
        """What a 303 leads to."""
        assert shown.status == 303, shown.plain
        parts = urlsplit(shown.location)
        return self._ask("GET", f"/{parts.path}", dict(parse_qsl(parts.query)), b"")

    def _ask(self, method: str, path: str, query: Mapping[str, Any], body: bytes) -> Shown:
        whole = path[1:] if path.startswith("//") else self.server + path
        headers = {
            "host": self.host,
            "accept": "text/html,*/*;q=0.8",
            "cookie": self.cookie or "__Host-posthorn=x; posthorn=x",
        }
        if method == "POST":
            headers["content-type"] = "application/x-www-form-urlencoded"
        request = HttpRequest(
            method,
            whole,
            {"page": whole[1:]},
            {
                name: [str(one) for one in value] if isinstance(value, list) else [str(value)]
                for name, value in query.items()
            },
            headers,
            body,
            "192.0.2.1",
            f"request-{next(_numbers)}",
        )
        self.asked.clear()
        answer = bootstrap.run(dispatch.answer_page(self.api.scene.posthorn, request))
        text = answer.body if isinstance(answer.body, str) else answer.body.decode("latin-1")
        shown = Shown(answer.status, answer.headers, text)
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            assert "style=" not in shown.text
            assert shown.packed <= LARGEST
        return shown


@pytest.fixture
def looker(api: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> Iterator[Looker]:
    """Somebody who may do everything in the organization of the scene."""
    made = Looker(api)

    async def visitor(
        program: MailProgram, request: HttpRequest, token: str, tenant: str | None, right: str
    ) -> Caller:
        scene = api.scene
        key = ManagementKey(
            "key",
            "ada@acme.test",
            0,
            "",
            "",
            "",
            made.scopes,
            organization_id=scene.organization.id,
        )
        caller = Seen(key)
        if tenant is not None:
            await program[Callers].tenant(caller, tenant)
        if right:
            caller.require(right)
        return caller

    monkeypatch.setattr(dispatch, "visitor", visitor)
    return made
