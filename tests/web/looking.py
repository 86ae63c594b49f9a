"""Pages of a server as somebody with a role sees them, beside the API by which its mail is made.

looker.get("/messages/outgoing", q="status:held").has("Held")
"""

from __future__ import annotations

import gzip
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from chalicelib import bootstrap
from chalicelib.domain.people.roles import Role
from tests.http_api import ApiWorld
from tests.page_browser import Browser, signed_in
from tests.page_browser import Shown as Page

VIEWER, MEMBER, OWNER = Role.VIEWER, Role.MEMBER, Role.OWNER
LARGEST = 50_000  # bytes of a page, packed
MOST_NODES = 1_500


@dataclass(frozen=True)
class Shown:
    """What a page is."""

    status: int
    headers: Mapping[str, str]
    text: str
    content: bytes = b""

    @property
    def plain(self) -> str:
        """What a reader sees: without tags, with entities resolved and blanks joined."""
        return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", self.text)).split())

    @property
    def location(self) -> str:
        return self.headers["Location"]

    def forms(self) -> list[str]:
        """Where forms lead that change something, but for those of the frame."""
        _, _, main = self.text.partition("<main")
        return re.findall(r'<form [^>]*method="post" action="([^"]*)"', main)

    def hidden(self, name: str) -> str:
        """What a hidden field holds."""
        found = re.search(rf'name="{name}" value="([^"]*)"', self.text)
        assert found, (name, self.plain)
        return html.unescape(found[1])

    def has(self, *words: str) -> bool:
        """Whether a reader sees all of these; says which not."""
        missing = [word for word in words if word not in self.plain]
        assert not missing, (missing, self.plain)
        return True


@dataclass
class Looker:
    """Looks at the pages of a server."""

    api: ApiWorld
    role: Role = OWNER
    host: str = "127.0.0.1:8080"
    browsers: dict[Role, Browser] = field(default_factory=dict)

    @property
    def server(self) -> str:
        server = self.api.scene.server
        return f"/org/{server.organization_permalink}/servers/{server.permalink}"

    @property
    def browser(self) -> Browser:
        """That of somebody with the role."""
        if self.role not in self.browsers:
            scene = self.api.scene
            made = signed_in(
                scene.posthorn, f"{self.role.value}@acme.test", self.role, scene.organization
            )
            self.browsers[self.role] = bootstrap.run(made)
        browser = self.browsers[self.role]
        browser.host = self.host
        return browser

    def get(self, path: str, **query: Any) -> Shown:
        """A page of the server; a path that begins with // is one of the whole program."""
        asked = f"?{urlencode(query, doseq=True)}" if query else ""
        return _shown(bootstrap.run(self.browser.ask("GET", self._whole(path) + asked, b"", {})))

    def post(self, path: str, **fields: Any) -> Shown:
        """What a form is answered with."""
        fields.setdefault("csrf", self.csrf)
        return _shown(bootstrap.run(self.browser.send(self._whole(path), fields)))

    def follow(self, shown: Shown) -> Shown:
        """What a 303 leads to."""
        assert shown.status == 303, shown.plain
        parts = urlsplit(shown.location)
        address = parts.path + (f"?{parts.query}" if parts.query else "")
        return _shown(bootstrap.run(self.browser.ask("GET", address, b"", {})))

    @property
    def csrf(self) -> str:
        """The token of the session."""
        asked = self.browser.ask("GET", f"{self.server}/messages/outgoing", b"", {})
        return _shown(bootstrap.run(asked)).hidden("csrf")

    def manage(self, method: str, path: str, value: Any = None) -> Any:
        """What the API answers to an operator."""
        reply = self.api.manage(method, path, value, self.api.scene.server.full_name)
        assert reply.status < 300, reply
        return reply.json

    def _whole(self, path: str) -> str:
        return path[1:] if path.startswith("//") else self.server + path


def _shown(page: Page) -> Shown:
    body = page.answer.body
    content = body if isinstance(body, bytes) else body.encode()
    if page.answer.headers.get("Content-Type", "").startswith("text/html"):
        assert len(gzip.compress(content, 6)) <= LARGEST
        assert page.nodes <= MOST_NODES
        assert not page.repeated_ids
    return Shown(page.status, page.answer.headers, page.html, content)
