"""The inbox over HTTP: the API that tests use, and pages for people. Everything shown came from strangers.

Pages carry a Content-Security-Policy that runs and fetches nothing, a message's HTML is served alone, sandboxed and
with `default-src 'none'`, attachments only as downloads. Text is escaped by the templates. Nothing is refused by Host
or Origin: the front has done that before.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, quote

from jinja2 import Environment, FileSystemLoader

from chalicelib.domain.mail.encoded_words import decode_header
from chalicelib.domain.mail.headers import read_headers
from chalicelib.domain.mail.mime import bodies_and_attachments, decode_part
from infra.local.exchange import Request, Response, json_response
from infra.local.inbox_store import MOST_LISTED, Caught, InboxStore
from infra.local.magic import SPELLED
from infra.local.verdict import Judge

PREFIX = "/_local/inbox"
LARGEST_SHOWN = 512 * 1024
MOST_HEADERS_SHOWN = 200
LISTED = 100
TEMPLATES = Path(__file__).parent / "templates"
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox"
)
TRICKS = ("550", "451", "data-554", *SPELLED)
_UNSAFE_NAME = re.compile(r"[^\w.() -]")
_ONE = "(?P<id>[0-9]+)"


class NotThere(Exception):
    """There is no such message, or no such part of it."""


class InboxPages:
    """Answers everything below `/_local/inbox`."""

    def __init__(self, store: InboxStore, judge: Judge) -> None:
        self._store = store
        self._judge = judge
        self._templates = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
        self._templates.filters["moment"] = lambda epoch: datetime.fromtimestamp(
            epoch, UTC
        ).strftime("%Y-%m-%d %H:%M:%S")
        # Method, path after the prefix, action. The groups of the pattern are the action's arguments.
        self._routes: tuple[tuple[str, str, Callable[..., Response]], ...] = (
            ("GET", "/?", self._list_page),
            ("POST", "/empty", self._empty_page),
            ("GET", r"/style\.css", self._style),
            ("GET", "/messages", self._list),
            ("DELETE", "(?:/messages)?/?", self._delete),
            ("GET", f"/messages/{_ONE}", self._show),
            ("GET", f"/messages/{_ONE}/raw", self._raw),
            ("GET", f"/view/{_ONE}", self._view),
            ("GET", f"/view/{_ONE}/html", self._html),
            ("GET", f"/view/{_ONE}/attachment/(?P<number>[0-9]{{1,4}})", self._attachment),
        )

    def __call__(self, request: Request) -> Response:
        path = request.path.removeprefix(PREFIX)
        method = "GET" if request.method == "HEAD" else request.method
        fitting = [
            (wanted, action, found.groupdict())
            for wanted, pattern, action in self._routes
            if (found := re.fullmatch(pattern, path))
        ]
        for wanted, action, arguments in fitting:
            if wanted == method:
                with contextlib.suppress(NotThere):
                    return action(request, **arguments)
                return _nothing()
        return json_response({"message": "Method not allowed"}, 405) if fitting else _nothing()

    def page(self, template: str, **values: object) -> Response:
        """A page with the strict policy."""
        text = self._templates.get_template(template).render(**values)
        # With `same-origin` other sites learn nothing either, and a browser says whose the page's own forms are.
        return _as_html(text, PAGE_POLICY, "same-origin")

    def _list(self, request: Request) -> Response:
        query = parse_qs(request.query, keep_blank_values=True, max_num_fields=20)
        limit = query.get("limit", [str(LISTED)])[-1]
        if not (limit.isascii() and limit.isdigit()) or not 1 <= int(limit[:6]) <= MOST_LISTED:
            return json_response({"message": f"limit must be from 1 to {MOST_LISTED}"}, 400)
        # A plus sign that the client forgot to encode came in as a blank, which no address here has.
        rcpt = query.get("rcpt", [""])[-1].replace(" ", "+")
        found = self._store.newest(rcpt or None, int(limit))
        return json_response([caught.summary() for caught in found])

    def _delete(self, _request: Request) -> Response:
        return json_response({"deleted": self._store.clear()})

    def _show(self, _request: Request, id: str) -> Response:
        caught, content = self._find(id)
        verdict = asdict(self._judge.judge(caught, content))
        return json_response(asdict(caught) | {"verdict": verdict})

    def _raw(self, _request: Request, id: str) -> Response:
        caught, content = self._find(id)
        return _download(f"{caught.id}.eml", "message/rfc822", content)

    def _list_page(self, request: Request) -> Response:
        rcpt = parse_qs(request.query, max_num_fields=20).get("rcpt", [""])[-1].strip()
        messages = self._store.newest(rcpt or None, LISTED)
        return self.page("inbox.html", messages=messages, rcpt=rcpt, tricks=TRICKS)

    def _empty_page(self, _request: Request) -> Response:
        self._store.clear()
        return Response(303, b"", (("Location", PREFIX),))

    def _style(self, _request: Request) -> Response:
        style = (TEMPLATES / "style.css").read_bytes()
        return Response(200, style, (("Content-Type", "text/css"), ("Cache-Control", "max-age=60")))

    def _view(self, _request: Request, id: str) -> Response:
        caught, content = self._find(id)
        text, html, attachments = bodies_and_attachments(content)
        fields = read_headers(content).fields[:MOST_HEADERS_SHOWN]
        return self.page(
            "message.html",
            message=caught,
            verdict=self._judge.judge(caught, content),
            text=text if text is None else text[:LARGEST_SHOWN],
            has_html=html is not None,
            headers=[(each.name.decode("latin-1"), decode_header(each.value)) for each in fields],
            attachments=attachments,
        )

    def _html(self, _request: Request, id: str) -> Response:
        _, html, _ = bodies_and_attachments(self._find(id)[1])
        if html is None:
            raise NotThere
        return _as_html(html[:LARGEST_SHOWN], MAIL_POLICY, "no-referrer")

    def _attachment(self, _request: Request, id: str, number: str) -> Response:
        _, content = self._find(id)
        attachments = bodies_and_attachments(content)[2]
        if int(number) >= len(attachments):
            raise NotThere
        part = attachments[int(number)]
        return _download(part.filename, "application/octet-stream", decode_part(content, part))

    def _find(self, id: str) -> tuple[Caught, bytes]:
        caught = self._store.get(id)
        content = self._store.raw(caught) if caught else None
        if caught is None or content is None:
            raise NotThere
        return caught, content


def _nothing() -> Response:
    return json_response({"message": "There is no such message"}, 404)


def _download(name: str, kind: str, content: bytes) -> Response:
    """An answer that a browser saves and never shows."""
    plain = _UNSAFE_NAME.sub("_", name).strip(". ")[:100] or "attachment"
    ascii_name = plain.encode("ascii", "replace").decode().replace("?", "_")
    disposition = f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(plain, safe='')}"
    return _guarded(content, kind, MAIL_POLICY, [("Content-Disposition", disposition)])


def _as_html(text: str, policy: str, referrer: str) -> Response:
    content = text.encode("utf-8", "replace")
    return _guarded(content, "text/html; charset=utf-8", policy, [("Referrer-Policy", referrer)])


def _guarded(content: bytes, kind: str, policy: str, more: Sequence[tuple[str, str]]) -> Response:
    headers = [
        ("Content-Type", kind),
        ("Content-Security-Policy", policy),
        ("X-Content-Type-Options", "nosniff"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Cache-Control", "no-store"),
        *more,
    ]
    return Response(200, content, headers)
