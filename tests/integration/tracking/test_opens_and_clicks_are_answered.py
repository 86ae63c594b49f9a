"""What readers get from a track domain, and what is kept of their visits (contract section 7)."""

from __future__ import annotations

import asyncio
import logging
import struct
import zlib
from typing import Any

import pytest

from chalicelib.domain.engagement import EngagementEvent, EngagementKind
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.repository import Repository
from chalicelib.ports.vault import KeyVault
from chalicelib.services.tenancy.directory import Directory
from chalicelib.services.tenancy.removal import RemoveTenants
from chalicelib.services.tenancy.servers import Servers
from chalicelib.services.tracking import answer as track_module
from chalicelib.services.tracking.answer import IMAGE, Track
from tests.stores import forget_messages
from tests.tracking_scene import BROWSER, LINKS, READER, make_tracked_mail


def test_the_image_is_one_transparent_pixel() -> None:
    assert IMAGE[:8] == b"\x89PNG\r\n\x1a\n"
    kinds, at = [], 8
    while at < len(IMAGE):
        (length,) = struct.unpack_from(">I", IMAGE, at)
        kind, data = IMAGE[at + 4 : at + 8], IMAGE[at + 8 : at + 8 + length]
        (told,) = struct.unpack_from(">I", IMAGE, at + 8 + length)
        assert zlib.crc32(kind + data) == told
        kinds.append(kind)
        if kind == b"IHDR":
            assert struct.unpack(">IIBB", data[:10]) == (1, 1, 8, 6)
        if kind == b"IDAT":
            assert zlib.decompress(data) == bytes(5)
        at += 12 + length
    assert kinds == [b"IHDR", b"IDAT", b"IEND"]


async def test_an_open_gets_the_image_and_counts() -> None:
    scene, mail = await make_tracked_mail()
    for _ in range(2):
        answer = await mail.visit(mail.image)
        assert (answer.status, answer.body) == (200, IMAGE)
        assert answer.headers["Content-Type"] == "image/png"
        assert answer.headers["Cache-Control"] == "no-store"
        assert not any("cookie" in name.lower() for name in answer.headers)
        scene.clock.advance(60)
    activity = await mail.activity()
    first = activity.opens[0]
    assert first == EngagementEvent(EngagementKind.OPEN, first.at, READER, BROWSER)
    assert [hit.at for hit in activity.opens] == [first.at, first.at + 60]
    assert activity.clicks == ()
    record = await mail.record()
    assert (record.opened_at, record.clicked_at) == (first.at, None)


async def test_a_click_leads_where_the_sender_said() -> None:
    _, mail = await make_tracked_mail()
    for number, url in enumerate(LINKS, 1):
        answer = await mail.visit(mail.link(number))
        assert (answer.status, answer.headers["Location"]) == (307, url)
        assert answer.body == f"Redirected to: {url}".encode()
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Robots-Tag"] == "noindex"
    activity = await mail.activity()
    assert [hit.url for hit in activity.clicks] == list(LINKS)
    record = await mail.record()
    assert record.clicked_at == activity.clicks[-1].at
    assert record.opened_at is None


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
async def test_any_method_is_answered_alike(method: str) -> None:
    _, mail = await make_tracked_mail()
    assert (await mail.visit(mail.link(1), method)).status == 307
    assert (await mail.visit(mail.image, method)).status == 200
    activity = await mail.activity()
    assert activity.opens[0].automatic is activity.clicks[0].automatic is (method != "GET")


@pytest.mark.parametrize(
    ("path", "query", "status", "body"),
    [
        ("/", "", 200, b"Hello."),
        ("/robots.txt", "", 200, b"Hello."),
        ("/a/b/c/d", "", 200, b"Hello."),
        ("/!/x", "", 404, b"Invalid Server Token"),
        ("/abcdef/0123456789012345678901", "", 404, b"Link not found"),
        ("/abcdef/short", "", 404, b"Link not found"),
        ("/img/abcdef/0123456789012345678901", "src=x", 400, b"Invalid/missing source image"),
        ("/img/abcdef/0123456789012345678901", "", 200, IMAGE),
        ("/img/!/x", "", 200, IMAGE),
    ],
)
async def test_everything_else(path: str, query: str, status: int, body: bytes) -> None:
    _, mail = await make_tracked_mail()
    answer = await mail.visit(path, query=query)
    assert (answer.status, answer.body) == (status, body)
    assert answer.headers["Cache-Control"] == "no-store"
    activity = await mail.activity()
    assert activity.opens == activity.clicks == ()


async def test_the_image_is_no_link_and_a_link_no_image() -> None:
    _, mail = await make_tracked_mail()
    assert (await mail.visit(f"/{mail.server.token}/{mail.token(0)}")).status == 404
    answer = await mail.visit(f"/img/{mail.server.token}/{mail.token(1)}")
    assert (answer.status, answer.body) == (200, IMAGE)
    assert (await mail.visit(mail.link(3))).status == 404
    activity = await mail.activity()
    assert activity.opens == activity.clicks == ()


async def test_a_suspended_servers_links_still_work() -> None:
    scene, mail = await make_tracked_mail()
    await scene.posthorn[Servers].suspend(scene.server, "spam")
    assert (await mail.visit(mail.link(1))).status == 307
    assert (await mail.visit(mail.image)).status == 200
    assert len((await mail.activity()).clicks) == 1


async def test_the_links_of_a_removed_server_lead_nowhere() -> None:
    scene, mail = await make_tracked_mail()
    await scene.posthorn[RemoveTenants].remove_server(scene.server)
    assert (await mail.visit(mail.link(1))).status == 404
    image = await mail.visit(mail.image)
    assert (image.status, "kept" in image.notes) == (200, False)
    hits = await scene.posthorn[Engagement].hits(scene.server.id, mail.message)
    assert hits == ()


async def test_a_message_that_is_gone_still_leads_on() -> None:
    scene, mail = await make_tracked_mail()
    await forget_messages(scene.posthorn)
    answer = await mail.visit(mail.link(1))
    assert (answer.status, answer.headers["Location"]) == (307, LINKS[0])
    hits = await scene.posthorn[Engagement].hits(scene.server.id, mail.message)
    assert [hit.url for hit in hits] == [LINKS[0]]


async def test_the_image_needs_no_read_after_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, mail = await make_tracked_mail()
    await mail.visit(mail.image)

    async def refuse(*_: Any) -> Any:
        raise AssertionError("read")

    for port, verb in (
        (scene.posthorn[Directory], "installation"),
        (scene.posthorn[Repository], "get"),
        (scene.posthorn[Repository], "get_many"),
        (scene.posthorn[Engagement], "link"),
        (scene.posthorn[KeyVault], "open"),
    ):
        monkeypatch.setattr(port, verb, refuse)
    assert (await mail.visit(mail.image)).notes["kept"] is True


async def test_a_store_that_is_away_delays_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    scene, mail = await make_tracked_mail()

    async def fail(*_: Any) -> None:
        raise TemporaryFailure("away", aws_operation="put_item")

    monkeypatch.setattr(scene.posthorn[Engagement], "record", fail)
    with caplog.at_level(logging.WARNING, "posthorn.track"):
        click, image = await mail.visit(mail.link(1)), await mail.visit(mail.image)
    assert (click.status, image.status) == (307, 200)
    assert click.notes["kept"] is image.notes["kept"] is False
    assert [line.message for line in caplog.records] == ["hit_lost", "hit_lost"]
    assert caplog.records[0].fields["aws_operation"] == "put_item"  # type: ignore[attr-defined]  # ours


async def test_a_slow_store_delays_nobody_for_long(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    scene, mail = await make_tracked_mail()
    may_end = asyncio.Event()
    kept = scene.posthorn[Engagement].record

    async def slow(*given: Any) -> None:
        await may_end.wait()
        await kept(*given)

    monkeypatch.setattr(track_module, "PATIENCE_SECONDS", 0.02)
    monkeypatch.setattr(scene.posthorn[Engagement], "record", slow)
    answer = await mail.visit(mail.link(1))
    assert (answer.status, answer.notes["kept"]) == (307, False)
    assert [line.message for line in caplog.records] == ["hit_late"]
    may_end.set()
    writing = list(scene.posthorn[Track]._writing)
    await asyncio.gather(*writing)
    assert len((await mail.activity()).clicks) == 1  # late, but not lost
    assert scene.posthorn[Track]._writing == set()


def test_nobody_waits_longer_than_promised() -> None:
    assert track_module.PATIENCE_SECONDS <= 0.3


@pytest.mark.parametrize(("port", "verb"), [(KeyVault, "open"), (Engagement, "link")])
async def test_what_cannot_be_read_is_answered_with_try_again(
    port: type[Any], verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, mail = await make_tracked_mail()

    async def fail(*_: Any) -> Any:
        raise TemporaryFailure("secret words")

    monkeypatch.setattr(scene.posthorn[port], verb, fail)
    answer = await mail.visit(mail.link(1))
    assert (answer.status, answer.body) == (503, b"Try again later")
    assert answer.headers["Retry-After"] == "5"
    image = await mail.visit(mail.image)
    assert (image.status, image.body) == (200, IMAGE)
