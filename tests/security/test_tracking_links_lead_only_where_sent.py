"""Track domains are no open redirect, speak for no other tenant, and write nothing that strangers chose (A37, A44).

What a reader's client says of itself is stored text and nothing more: neither an answer nor a log line repeats it.
"""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import replace
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.domain.tracking.visit import Visit, has_source, is_automatic, location_of, read_path
from chalicelib.services.tenancy.servers import ServerOptions, Servers
from chalicelib.services.tracking.answer import IMAGE
from functions.tracking import tracking
from infra.local.exchange import Request
from infra.local.function_url import event_of
from infra.local.invocation import Context
from tests.growth import assert_linear
from tests.timelines import timeline_of
from tests.tracking_scene import LINKS, TrackedMail, make_tracked_mail

EVIL = "https://evil.test/"


@pytest.mark.parametrize(
    "path",
    [
        f"/{{server}}/{EVIL}",
        "/{server}/{token}/https://evil.test/",
        "/{server}/{token}?url=https://evil.test/",
        "//evil.test/{token}",
        "/\\evil.test/{token}",
        "/{server}/{token}%0d%0aLocation:%20https://evil.test/",
        "/{server}/{token}\r\nLocation: https://evil.test/",
        "/{server}/{token}.",
        "/{server}/%2e%2e/{token}",
        "/img/{server}/{token}/..",
    ],
)
async def test_a_path_never_leads_elsewhere(path: str) -> None:
    _, mail = await make_tracked_mail()
    answer = await mail.visit(path.format(server=mail.server.token, token=mail.token(1)))
    assert answer.status != 307 or answer.headers["Location"] == LINKS[0]
    assert b"evil" not in answer.body
    assert "evil" not in json.dumps(dict(answer.headers))


@pytest.mark.parametrize("query", [f"url={EVIL}", f"redirect={EVIL}", f"next={EVIL}&to={EVIL}"])
async def test_a_query_never_leads_elsewhere(query: str) -> None:
    _, mail = await make_tracked_mail()
    answer = await mail.visit(mail.link(1), query=query)
    assert answer.headers["Location"] == LINKS[0]


async def test_a_forged_token_leads_nowhere_and_counts_nothing() -> None:
    _, mail = await make_tracked_mail()
    server = mail.server.token
    good = mail.token(1)
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    for at in range(len(good)):
        for letter in secrets.SystemRandom().sample(alphabet, 6):
            forged = good[:at] + letter + good[at + 1 :]
            if forged != good:
                assert (await mail.visit(f"/{server}/{forged}")).status == 404
                image = await mail.visit(f"/img/{server}/{forged}")
                assert (image.status, image.body) == (200, IMAGE)
    activity = await mail.activity()
    assert activity.opens == activity.clicks == ()


async def test_a_token_under_another_servers_name_is_none() -> None:
    scene, mail = await make_tracked_mail()
    other = await scene.posthorn[Servers].create(
        scene.organization, "Other", options=ServerOptions()
    )
    assert (await mail.visit(f"/{other.token}/{mail.token(1)}")).status == 404
    await mail.visit(f"/img/{other.token}/{mail.token(0)}")
    # And a token made for the other server's name, for this server's message.
    assert (await mail.visit(f"/{mail.server.token}/{mail.token(1, other.token)}")).status == 404
    theirs = TrackedMail(scene.posthorn, other, mail.message, mail.mac_key)
    assert (await theirs.visit(theirs.link(1))).status == 404
    await theirs.visit(theirs.image)
    activity = await mail.activity()
    assert activity.opens == activity.clicks == ()


async def test_another_installations_key_opens_nothing() -> None:
    _, mail = await make_tracked_mail()
    mail.mac_key = bytes(32)
    assert (await mail.visit(mail.link(1))).status == 404


@pytest.mark.parametrize(
    ("stored", "location"),
    [
        ("https://acme.test/\r\nSet-Cookie: a=b", "https://acme.test/%0D%0ASet-Cookie:%20a=b"),
        ("https://acme.test/\r\n\r\n<script>", "https://acme.test/%0D%0A%0D%0A%3Cscript%3E"),
        ('https://acme.test/"><script>alert(1)</script>', None),
    ],
)
async def test_a_stored_address_cannot_write_headers_or_pages(
    stored: str, location: str | None
) -> None:
    _, mail = await make_tracked_mail(links=(stored,))
    answer = await mail.visit(mail.link(1))
    assert answer.status == 307
    if location is not None:
        assert answer.headers["Location"] == location
    for text in (*answer.headers.values(), answer.body.decode()):
        assert text.isprintable()
        assert "<" not in text
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("stored", ["javascript:alert(1)", "data:text/html,x", "//evil.test", ""])
async def test_a_stored_address_of_another_kind_leads_nowhere(stored: str) -> None:
    _, mail = await make_tracked_mail(links=(stored,))
    answer = await mail.visit(mail.link(1))
    assert (answer.status, answer.body) == (404, b"Link not found")


async def test_no_answer_repeats_what_was_asked() -> None:
    _, mail = await make_tracked_mail()
    for path in ("/<script>alert(1)</script>", "/<b>/x", "/img/<b>", "/abcdef/<b>"):
        answer = await mail.visit(path, query="<script>", headers={"user-agent": "<script>"})
        assert b"<" not in answer.body
        assert "<" not in json.dumps(dict(answer.headers))


async def test_headers_that_anybody_can_send_are_not_believed() -> None:
    _, mail = await make_tracked_mail()
    headers = {
        "x-forwarded-for": "192.0.2.66",
        "x-real-ip": "192.0.2.66",
        "forwarded": "for=192.0.2.66",
        "cloudfront-viewer-address": "192.0.2.66:1",
        "host": "evil.test",
    }
    await mail.visit(mail.image, headers=headers)
    answer = await mail.visit(mail.link(1), headers=headers)
    activity = await mail.activity()
    assert {hit.address for hit in (*activity.opens, *activity.clicks)} == {"203.0.113.9"}
    assert "evil" not in json.dumps(dict(answer.headers))


async def test_a_hostile_client_name_is_shown_and_not_obeyed() -> None:
    scene, mail = await make_tracked_mail()
    name = "\x1b[2J\x1b]0;owned\x07\r\nOpened by the boss\u202e" + "x" * 10_000
    await mail.visit(mail.image, headers={"user-agent": name})
    activity = await mail.activity()
    assert len(activity.opens[0].user_agent) == 500
    assert activity.opens[0].user_agent.isprintable()
    raw = replace(activity, opens=(replace(activity.opens[0], user_agent=name),))
    for shown, start in ((activity, " [2J"), (raw, "\\x1b[2J")):
        text = timeline_of(await mail.record(), (), scene.clock.now(), shown)
        assert start in text
        assert not any(line.startswith("Opened by") for line in text.splitlines())
        assert set("\x1b\x07\r\u202e").isdisjoint(text)


def test_long_and_strange_requests_take_time_in_proportion() -> None:
    def visits(size: int) -> None:
        for filler in ("/", "a", "%", "&", "=", "src=", "\r\n", "ü", "bot"):
            text = (filler * size)[:size]
            read_path("/" + text)
            has_source(text)
            is_automatic(Visit("GET", "/", "", {"user-agent": text, "purpose": text}, ""))
            location_of("https://" + text)

    assert_linear(visits, 500_000, 2_000_000)


def test_the_log_names_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    scene, mail = bootstrap.run(make_tracked_mail())
    bootstrap.use(scene.posthorn)
    try:
        headers = {"user-agent": "Reader's own client", "cookie": "session=secret"}
        for path in (mail.image, mail.link(1), "/nobody/knows"):
            event = event_of(Request("GET", path + "?email=john@example.com", headers, b""), 0.0)
            answer = tracking(event, Context("tracking"))
            assert base64.b64decode(answer["body"])
    finally:
        bootstrap.use(None)
    said = capsys.readouterr().out
    lines: list[dict[str, Any]] = [json.loads(line) for line in said.splitlines()]
    assert [line["unit"] for line in lines] == ["tracking"] * 3
    assert [line["status"] for line in lines] == [200, 307, 404]
    assert lines[0]["message_id"] == mail.message
    for word in ("Reader", "john", "127.0.0.1", mail.token(1), "secret", "acme.test"):
        assert word not in said
