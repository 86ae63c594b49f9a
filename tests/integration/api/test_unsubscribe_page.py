"""Unsubscribing by the link in a message (RFC 8058): the page asks, a POST acts, and whoever forges changes nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.suppression import Suppression
from chalicelib.domain.unsubscribe_token import unsubscribe_token
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.ports.unsubscribe_links import UnsubscribeLinks
from onehost.upkeep import Upkeep
from tests.http_api import ApiWorld, Reply

EMAIL = {"from": "app@acme.test", "to": "x@example.com", "subject": "s", "text": "Hello"}
FORM = "application/x-www-form-urlencoded"
ONE_CLICK = b"List-Unsubscribe=One-Click"
TENANT, DAY = "acme/app", 86_400
FIELD = re.compile(
    rb"List-Unsubscribe: <https://posthorn\.example\.com(/u/([A-Za-z0-9]{1,64}))>\r\n"
)


def path_of(api: ApiWorld, **more: Any) -> str:
    """Where the link in a message that was sent leads."""
    reply = api.v2("POST", "/emails", EMAIL | {"stream": "broadcast"} | more)
    assert reply.status == 202, reply
    bootstrap.run(api.scene.deliver_ready())
    found = FIELD.search(api.scene.egress.received[-1].content)
    assert found is not None
    return found[1].decode()


def post(api: ApiWorld, path: str, body: bytes = ONE_CLICK, kind: str = FORM) -> Reply:
    return api.call("POST", path, body, {"content-type": kind})


def suppressed(api: ApiWorld) -> list[Suppression]:
    server, now = api.scene.server.id, api.scene.clock.now()
    page = bootstrap.run(api.scene.posthorn[SuppressionList].walk(server, 100, now))
    return list(page.values)


def unsubscribed(api: ApiWorld) -> list[Any]:
    """The events that tell of it."""
    bootstrap.run(Upkeep(api.scene.posthorn).feed())
    listed = api.v2("GET", "/events").json["data"]
    return [one for one in listed if one["type"] == "email.unsubscribed"]


def stored(api: ApiWorld) -> Any:
    """All that a POST may write."""
    statement = "SELECT count(*), max(keep_until) FROM suppressions"
    return api.scene.posthorn[MailDatabase].read(lambda db: fetched(db, statement))


class Elements(HTMLParser):
    """The elements of a page, with their attributes, and its text."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.found: list[tuple[str, Mapping[str, str | None]]] = []
        self.text = ""
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_asking_shows_a_page_and_changes_nothing(api: ApiWorld) -> None:
    path = path_of(api)
    for _ in range(2):
        asked = api.call("GET", path)
        assert asked.status == 200
    page = Elements(asked.body)
    tags = [tag for tag, _ in page.found]
    assert page.found[0] == ("html", {"lang": "en"})
    assert ("input", {"type": "hidden", "name": "List-Unsubscribe", "value": "One-Click"}) in (
        page.found
    )
    assert "script" not in tags
    assert {"main", "h1", "title", "form", "button"} <= set(tags)
    assert "x@example.com" in page.text
    assert "broadcast" in page.text
    headers = asked.headers
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "set-cookie" not in headers
    head = api.call("HEAD", path)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-type"] == headers["content-type"]
    assert suppressed(api) == []


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (FORM, ONE_CLICK),
        ("application/x-www-form-urlencoded; charset=UTF-8", b"a=b&" + ONE_CLICK),
        (
            "multipart/form-data; boundary=b0",
            b'--b0\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n'
            b"--b0--\r\n",
        ),
        (
            'Multipart/Form-Data; Boundary="a b"',
            b'preamble\r\n--a b\r\nX: y\r\n\r\nz\r\n--a b\r\ncontent-disposition:form-data;name="'
            b'List-Unsubscribe"\r\nContent-Type: text/plain\r\n\r\nOne-Click\r\n--a b--',
        ),
        ("", ONE_CLICK),
    ],
)
def test_a_post_unsubscribes(api: ApiWorld, kind: str, body: bytes) -> None:
    path = path_of(api)
    done = post(api, path, body, kind)
    assert done.status == 200
    assert "x@example.com" in Elements(done.body).text
    (entry,) = suppressed(api)
    assert (entry.address, entry.reason, entry.email) == ("x@example.com", "unsubscribed", 1)
    assert (entry.scope, entry.stream) == ("stream", "broadcast")


def test_it_is_told_once(api: ApiWorld) -> None:
    path = path_of(api)
    assert unsubscribed(api) == []
    assert [post(api, path).status for _ in range(2)] == [200] * 2
    (told,) = unsubscribed(api)
    assert told["data"]["email"]["id"] == 1
    shown = told["data"]["suppression"]
    assert (shown["address"], shown["stream"]) == ("x@example.com", "broadcast")
    assert shown["reason"] == "unsubscribe"


def test_mail_of_other_streams_still_comes(api: ApiWorld) -> None:
    post(api, path_of(api))
    made = api.v2("POST", "/emails", EMAIL).json["id"]
    bootstrap.run(api.scene.deliver_ready())
    assert api.v2("GET", f"/emails/{made}").json["status"] == "Sent"


def test_unsubscribing_again_changes_nothing(api: ApiWorld) -> None:
    path = path_of(api)
    assert [post(api, path).status for _ in range(3)] == [200] * 3
    before = suppressed(api)
    api.scene.clock.advance(DAY)
    assert post(api, path).status == 200
    (entry,) = suppressed(api)
    assert entry.at == before[0].at
    api.v2("POST", "/emails", EMAIL | {"stream": "broadcast"})
    bootstrap.run(api.scene.deliver_ready())
    held = api.v2("GET", "/emails?status=held").json["data"]
    assert [one["wait"]["code"] for one in held] == ["suppressed"]


def test_the_whole_server_can_be_left(api: ApiWorld) -> None:
    path = path_of(api)
    done = post(api, path, ONE_CLICK + b"&scope=server")
    assert done.status == 200
    (entry,) = suppressed(api)
    assert (entry.scope, entry.stream) == ("server", None)
    made = api.v2("POST", "/emails", EMAIL).json["id"]
    bootstrap.run(api.scene.deliver_ready())
    assert api.v2("GET", f"/emails/{made}").json["status"] == "Held"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (FORM, b""),
        (FORM, b"List-Unsubscribe=one-click"),
        (FORM, b"List-Unsubscribe="),
        (FORM, b"scope=server"),
        (FORM, b"&".join([b"a=b"] * 100) + b"&" + ONE_CLICK),
        (FORM, b"x=" + b"y" * 20_000 + b"&" + ONE_CLICK),
        (FORM, b"\xff\xfe\x00"),
        ("multipart/form-data", ONE_CLICK),
        ("multipart/form-data; boundary=b0", ONE_CLICK),
        ("multipart/form-data; boundary=b0", b"--b0\r\n" * 3_000),
        ("application/json", b'{"List-Unsubscribe": "One-Click"}'),
    ],
)
def test_a_post_without_the_field_is_not_understood(api: ApiWorld, kind: str, body: bytes) -> None:
    path = path_of(api)
    assert post(api, path, body, kind).status == 400
    assert suppressed(api) == []


def test_forged_cut_and_unknown_tokens_write_nothing(api: ApiWorld) -> None:
    path, before = path_of(api), stored(api)
    token = path.removeprefix("/u/")
    turned = "B" if token[-1] != "B" else "C"
    wrong = [
        *(token[:length] for length in (1, 16, len(token) - 1)),
        token + "A",
        token[:-1] + turned,
        turned + token[1:],
        token.swapcase(),
        token[::-1],
        "z" * len(token),
        "A" * 2_000,
        "%00",
        "..",
        "a-b",
        "ä",
    ]
    for one in wrong:
        for method in ("GET", "HEAD", "POST"):
            reply = api.call(method, f"/u/{one}", ONE_CLICK, {"content-type": FORM})
            assert reply.status == 404, (method, one)
    assert stored(api) == before
    assert post(api, path).status == 200


def test_a_token_of_another_installation_is_none(api: ApiWorld) -> None:
    path_of(api)
    theirs = unsubscribe_token(api.scene.server.id, MessageId(1), b"another key")
    assert post(api, f"/u/{theirs}").status == 404
    assert suppressed(api) == []


def test_a_link_works_for_a_year(api: ApiWorld) -> None:
    path = path_of(api)
    api.scene.clock.advance(365 * DAY - 60)
    assert api.call("GET", path).status == 200
    api.scene.clock.advance(120)
    assert post(api, path).status == 404
    assert suppressed(api) == []


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods_are_not_possible(api: ApiWorld, method: str) -> None:
    reply = api.call(method, path_of(api))
    assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD, POST")


def test_what_others_wrote_is_escaped(api: ApiWorld) -> None:
    api.manage("PATCH", f"/servers/{TENANT}", {"name": "<script>alert(1)</script>&\"'"})
    path = path_of(api, to="a&'b@example.com")
    for reply in (api.call("GET", path), post(api, path)):
        assert reply.status == 200
        assert b"<script" not in reply.body
        assert b"a&'b" not in reply.body
        assert "a&'b@example.com" in Elements(reply.body).text
        assert "<script>alert(1)</script>&\"'" in Elements(reply.body).text


def test_a_suspended_server_still_lets_its_recipients_go(api: ApiWorld) -> None:
    path = path_of(api)
    api.manage("POST", f"/servers/{TENANT}/suspend", {"reason": "unpaid"})
    assert post(api, path).status == 200
    assert len(suppressed(api)) == 1


def test_nothing_works_of_a_server_that_was_removed(api: ApiWorld) -> None:
    path = path_of(api)
    assert api.manage("DELETE", f"/servers/{TENANT}?confirm=app").status == 204
    assert api.call("GET", path).status == 404
    assert post(api, path).status == 404


def test_it_works_after_its_stream_was_removed(api: ApiWorld) -> None:
    api.manage("POST", "/streams", {"name": "news", "type": "broadcast"}, TENANT)
    path = path_of(api, stream="news")
    api.manage("DELETE", "/streams/news", tenant=TENANT)
    assert b"news" in api.call("GET", path).body
    assert post(api, path).status == 200


def test_a_store_that_is_away_is_told(api: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    path = path_of(api)

    async def away(*_: object) -> None:
        raise TemporaryFailure("the store is away, and where it is")

    monkeypatch.setattr(api.scene.posthorn[UnsubscribeLinks], "get", away)
    reply = post(api, path)
    assert (reply.status, reply.headers["retry-after"]) == (503, "30")
    assert b"where it is" not in reply.body


def test_the_link_outlives_its_message(api: ApiWorld) -> None:
    path = path_of(api)

    async def forget() -> None:
        await api.scene.posthorn[MailDatabase].write(lambda db: fetched(db, "DELETE FROM messages"))

    bootstrap.run(forget())
    assert [post(api, path).status for _ in range(2)] == [200] * 2
    (told,) = unsubscribed(api)
    assert told["data"]["email"] is None
    assert told["data"]["suppression"]["evidence"] == {"email": 1, "report": None}
    (entry,) = suppressed(api)
    assert (entry.address, entry.email) == ("x@example.com", 1)
