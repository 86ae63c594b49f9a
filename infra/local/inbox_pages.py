"""The inbox over HTTP: the API that tests use, and pages for people. Everything shown came from strangers.

Pages carry a Content-Security-Policy that runs and fetches nothing, a message's HTML is served alone, sandboxed and
with `default-src 'none'`, attachments only as downloads. Text is escaped by the templates. `routes` refuse nothing by
Host or Origin: the front has done that before.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, quote

from jinja2 import Environment, FileSystemLoader

from chalicelib.domain.message import (
    bodies_and_attachments,
    decode_header,
    decode_part,
    read_headers,
)
from infra.local.http_server import Request, Response, json_response
from infra.local.inbox_store import MOST_LISTED, Caught, InboxStore
from infra.local.magic import Trick
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
TRICKS = (
    "550",
    "451",
    "data-554",
    *(trick.value for trick in Trick if trick and not trick.value.startswith("refuse")),
)
_UNSAFE_NAME = re.compile(r"[^\w.() -]")

Action = Callable[[Request, dict[str, str]], Response]


class InboxPages:
    """Answers everything below `/_local/inbox`."""

    def __init__(self, store: InboxStore, judge: Judge) -> None:
        self._store = store
        self._judge = judge
        self.templates = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
        self.templates.filters["moment"] = _moment
        # Method, path after the prefix, action. The groups of the pattern are the action's arguments.
        self._routes: tuple[tuple[str, re.Pattern[str], Action], ...] = (
            ("GET", re.compile(r"/?"), self._list_page),
            ("POST", re.compile(r"/empty"), self._empty_page),
            ("GET", re.compile(r"/style\.css"), self._style),
            ("GET", re.compile(r"/messages"), self._list),
            ("DELETE", re.compile(r"(?:/messages)?/?"), self._delete),
            ("GET", re.compile(r"/messages/(?P<id>[0-9]+)"), self._show),
            ("GET", re.compile(r"/messages/(?P<id>[0-9]+)/raw"), self._raw),
            ("GET", re.compile(r"/view/(?P<id>[0-9]+)"), self._view),
            ("GET", re.compile(r"/view/(?P<id>[0-9]+)/html"), self._html),
            (
                "GET",
                re.compile(r"/view/(?P<id>[0-9]+)/attachment/(?P<number>[0-9]{1,4})"),
                self._attachment,
            ),
        )

    def __call__(self, request: Request) -> Response:
        path = request.path.removeprefix(PREFIX)
        method = "GET" if request.method == "HEAD" else request.method
        known = False
        for wanted, pattern, action in self._routes:
            if found := pattern.fullmatch(path):
                known = True
                if wanted == method:
                    return action(request, found.groupdict())
        return json_response({"message": "Method not allowed"}, 405) if known else _nothing()

    def page(self, template: str, **values: object) -> Response:
        """A page with the strict policy."""
        text = self.templates.get_template(template).render(**values)
        return Response(
            200, text.encode("utf-8", "replace"), _html_headers(PAGE_POLICY, "same-origin")
        )

    def _list(self, request: Request, _: dict[str, str]) -> Response:
        query = parse_qs(request.query, keep_blank_values=True, max_num_fields=20)
        limit = query.get("limit", [str(LISTED)])[-1]
        if not (limit.isascii() and limit.isdigit()) or not 1 <= int(limit[:6]) <= MOST_LISTED:
            return json_response({"message": f"limit must be from 1 to {MOST_LISTED}"}, 400)
        # A plus sign that the client forgot to encode came in as a blank, which no address here has.
        rcpt = query.get("rcpt", [""])[-1].replace(" ", "+")
        found = self._store.newest(rcpt or None, int(limit))
        return json_response([caught.summary() for caught in found])

    def _delete(self, _request: Request, _: dict[str, str]) -> Response:
        return json_response({"deleted": self._store.clear()})

    def _show(self, _request: Request, arguments: dict[str, str]) -> Response:
        found = self._find(arguments)
        if found is None:
            return _nothing()
        caught, content = found
        verdict = self._judge.judge(caught, content).as_json()
        details = {"helo": caught.helo, "peer": caught.peer, "tls": caught.tls}
        return json_response(caught.summary() | details | {"verdict": verdict})

    def _raw(self, _request: Request, arguments: dict[str, str]) -> Response:
        found = self._find(arguments)
        if found is None:
            return _nothing()
        headers = [*_download(f"{found[0].id}.eml"), ("Content-Type", "message/rfc822")]
        return Response(200, found[1], tuple(headers))

    def _list_page(self, request: Request, _: dict[str, str]) -> Response:
        query = parse_qs(request.query, max_num_fields=20)
        rcpt = query.get("rcpt", [""])[-1].strip()
        messages = self._store.newest(rcpt or None, LISTED)
        return self.page("inbox.html", messages=messages, rcpt=rcpt, tricks=TRICKS)

    def _empty_page(self, _request: Request, _: dict[str, str]) -> Response:
        self._store.clear()
        return Response(303, b"", (("Location", PREFIX),))

    def _style(self, _request: Request, _: dict[str, str]) -> Response:
        style = (TEMPLATES / "style.css").read_bytes()
        return Response(200, style, (("Content-Type", "text/css"), ("Cache-Control", "max-age=60")))

    def _view(self, _request: Request, arguments: dict[str, str]) -> Response:
        found = self._find(arguments)
        if found is None:
            return _nothing()
        caught, content = found
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

    def _html(self, _request: Request, arguments: dict[str, str]) -> Response:
        found = self._find(arguments)
        html = bodies_and_attachments(found[1])[1] if found else None
        if html is None:
            return _nothing()
        content = html[:LARGEST_SHOWN].encode("utf-8", "replace")
        return Response(200, content, _html_headers(MAIL_POLICY, "no-referrer"))

    def _attachment(self, _request: Request, arguments: dict[str, str]) -> Response:
        found = self._find(arguments)
        attachments = bodies_and_attachments(found[1])[2] if found else ()
        number = int(arguments["number"])
        if found is None or number >= len(attachments):
            return _nothing()
        part = attachments[number]
        headers = [*_download(part.filename), ("Content-Type", "application/octet-stream")]
        return Response(200, decode_part(found[1], part), tuple(headers))

    def _find(self, arguments: dict[str, str]) -> tuple[Caught, bytes] | None:
        caught = self._store.get(arguments["id"])
        content = self._store.raw(caught) if caught else None
        return None if caught is None or content is None else (caught, content)


def _nothing() -> Response:
    return json_response({"message": "There is no such message"}, 404)


def _download(name: str) -> list[tuple[str, str]]:
    """Headers that make a browser save, never show."""
    plain = _UNSAFE_NAME.sub("_", name).strip(". ")[:100] or "attachment"
    ascii_name = plain.encode("ascii", "replace").decode().replace("?", "_")
    disposition = f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(plain, safe='')}"
    return [
        ("Content-Disposition", disposition),
        ("X-Content-Type-Options", "nosniff"),
        ("Content-Security-Policy", MAIL_POLICY),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Cache-Control", "no-store"),
    ]


def _html_headers(policy: str, referrer: str) -> tuple[tuple[str, str], ...]:
    """With `same-origin` other sites learn nothing either, and a browser says whose the page's own forms are."""
    return (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", policy),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", referrer),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Cache-Control", "no-store"),
    )


def _moment(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d %H:%M:%S")
