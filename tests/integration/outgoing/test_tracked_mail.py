"""What the receiving server gets of a tracked message: replaced links, valid signatures, alike at every attempt."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import dkim
import pytest

from chalicelib.domain.errors import NotFound, TemporaryFailure
from chalicelib.domain.model import Message, State, Status
from chalicelib.domain.reply import Reply
from chalicelib.domain.tenancy.track_domains import TRACK_DOMAINS, DnsStatus, TrackDomain
from chalicelib.domain.tracking.token import read_tracking_token
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.clock import Clock
from chalicelib.ports.egress import TransactionResult
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.repository import Repository
from chalicelib.ports.vault import KeyVault
from chalicelib.services.outgoing.smtp_sender import SmtpSender
from chalicelib.services.outgoing.track_links import TrackLinks
from chalicelib.services.tenancy.address_mac import AddressMac
from chalicelib.services.tenancy.directory import Directory
from chalicelib.services.tracking.domains import TrackDomains
from tests.dkim_verifiers import dkimpy
from tests.tracked_mail import body_of
from tests.worlds import CONTENT, Scene, make_scene

GREYLISTED = TransactionResult(Reply(450, "4.2.0", "Greylisted"), "RCPT")
TRACKED = (
    b"From: App <app@acme.test>\r\nTo: john@example.com\r\nSubject: Hello\r\n"
    b"Date: Fri, 22 Mar 2024 12:00:00 +0000\r\nMessage-ID: <one@acme.test>\r\nMIME-Version: 1.0\r\n"
    b"List-Unsubscribe: <https://shop.example.com/u/1>\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    b"<html><body><p><a href='https://shop.example.com/?a=1&amp;b=2'>a</a>\r\n"
    b"<a href='https://shop.example.com/two'>b</a></p></body></html>\r\n"
)
LINKS = ("https://shop.example.com/?a=1&b=2", "https://shop.example.com/two")


async def tracking_scene(**choices: Any) -> Scene:
    """A scene whose domain has a track domain that is published."""
    scene = await make_scene()
    track = TrackDomain(
        "click.acme.test", "click", "acme.test", scene.server.id, "u", 0, dns_status=DnsStatus.OK
    )
    await scene.posthorn[Repository].add(TRACK_DOMAINS, replace(track, **choices))
    return scene


async def kept(scene: Scene, accepted: Message) -> list[str]:
    """What the links of a message lead to."""
    found: list[str] = []
    try:
        while True:
            link = await scene.posthorn[Engagement].link(
                scene.server.id, accepted.id, len(found) + 1
            )
            found.append(link)
    except NotFound:
        return found


async def tokens(scene: Scene, content: bytes) -> list[tuple[int, int, int] | None]:
    """The numbers in the tracked addresses of a content, in order."""
    installation = await scene.posthorn[Directory].installation()
    key = await scene.posthorn[KeyVault].open(installation.sealed_mac_key, installation.mac_context)
    start = f"https://click.acme.test/{scene.server.token}/"
    image = f"https://click.acme.test/img/{scene.server.token}/"
    pieces = content.decode().replace(image, start).split(start)[1:]
    return [read_tracking_token(piece[:22], scene.server.token, key) for piece in pieces]


async def test_the_receiver_gets_tracked_links_under_valid_signatures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = await tracking_scene()
    (accepted,) = await scene.accept(content=TRACKED)
    await scene.deliver_ready()
    (received,) = scene.egress.received
    numbers = [(scene.server.id, accepted.id, link) for link in (1, 2, 0)]
    assert await tokens(scene, received.content) == numbers
    assert await kept(scene, accepted) == list(LINKS)
    record = await scene.record(accepted)
    assert (record.status, record.links) == (Status.SENT, 2)
    records = {
        f"{key.selector}._domainkey.acme.test": f"v=DKIM1; k={key.algorithm[:-7]}; p={key.public}"
        for key in scene.domain.keys
    }
    monkeypatch.setattr(dkim, "time", SimpleNamespace(time=scene.clock.now))
    (verdicts,) = dkimpy([received.content], records)
    assert len(verdicts) == 2
    assert set(verdicts.values()) == {"pass"}
    assert b"List-Unsubscribe: <https://shop.example.com/u/1>\r\n" in received.content


async def test_the_stored_message_stays_as_it_came() -> None:
    scene = await tracking_scene()
    (accepted,) = await scene.accept(content=TRACKED)
    await scene.deliver_ready()
    record = await scene.record(accepted)
    assert (await scene.posthorn[BlobStore].get(record.message.blob)).endswith(TRACKED)


async def test_each_recipient_has_links_of_its_own() -> None:
    scene = await tracking_scene()
    both = await scene.accept("a@example.com", "b@example.net", content=TRACKED)
    await scene.deliver_ready()
    seen = {each.envelope.rcpt_to: each.content for each in scene.egress.received}
    first = await tokens(scene, seen["a@example.com"])
    second = await tokens(scene, seen["b@example.net"])
    assert {each and each[1] for each in first + second} == {accepted.id for accepted in both}


async def test_a_second_attempt_sends_the_same_links_and_keeps_nothing_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = await tracking_scene()
    writes = counted(scene, monkeypatch)
    scene.egress.will("john@example.com", GREYLISTED)
    (accepted,) = await scene.accept(content=TRACKED)
    await scene.deliver_ready()
    assert (await scene.record(accepted)).links == 2
    await scene.play(1200)
    first, second = scene.egress.received
    assert body_of(first.content) == body_of(second.content)
    assert writes == [LINKS]
    assert (await scene.record(accepted)).status is Status.SENT


def counted(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The links of each write from now on."""
    writes: list[tuple[str, ...]] = []
    keep = scene.posthorn[Engagement].keep_links

    async def keep_links(server: Any, message: Any, links: Any, keep_until: int) -> None:
        assert keep_until == int(scene.clock.now()) + scene.posthorn.settings.tracking_days * 86_400
        writes.append(tuple(links))
        await keep(server, message, links, keep_until)

    monkeypatch.setattr(scene.posthorn[Engagement], "keep_links", keep_links)
    return writes


class Died(BaseException):
    """The process is gone: nothing may catch this."""


async def test_a_crash_between_keeping_and_sending_changes_no_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = await tracking_scene()
    writes = counted(scene, monkeypatch)
    with monkeypatch.context() as patched:

        async def dies(*_: Any) -> None:
            raise Died

        patched.setattr(scene.posthorn[SmtpSender], "deliver", dies)
        (accepted,) = await scene.accept(content=TRACKED)
        with pytest.raises(Died):
            await scene.deliver_ready()
    assert await kept(scene, accepted) == list(LINKS)
    record = await scene.record(accepted)
    assert (record.state, record.links) == (State.LEASED, None)
    await scene.play(1200)
    (received,) = scene.egress.received
    assert writes == [LINKS, LINKS]
    numbers = [(scene.server.id, accepted.id, link) for link in (1, 2, 0)]
    assert await tokens(scene, received.content) == numbers
    assert (await scene.record(accepted)).links == 2


async def test_nothing_goes_out_before_its_links_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = await tracking_scene()

    async def away(*_: Any) -> None:
        raise TemporaryFailure("The store is away")

    with monkeypatch.context() as patched:
        patched.setattr(scene.posthorn[Engagement], "keep_links", away)
        (accepted,) = await scene.accept(content=TRACKED)
        await scene.deliver_ready()
    assert scene.egress.received == []
    record = await scene.record(accepted)
    assert [each.status for each in record.deliveries] == [Status.ERROR]
    assert record.links is None
    await scene.play(1200)
    assert len(scene.egress.received) == 1
    assert (await scene.record(accepted)).links == 2


@pytest.mark.parametrize(
    "choices",
    [
        {"dns_status": None},
        {"dns_status": DnsStatus.MISSING},
        {"dns_status": DnsStatus.INVALID},
        {"domain": "other.test"},
        {"track_clicks": False, "track_loads": False},
    ],
)
async def test_without_a_published_track_domain_nothing_changes(
    choices: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await tracking_scene(**choices)
    writes = counted(scene, monkeypatch)
    (accepted,) = await scene.accept(content=TRACKED)
    await scene.deliver_ready()
    (received,) = scene.egress.received
    assert received.content.endswith(TRACKED)
    assert writes == []
    assert (await scene.record(accepted)).links is None


@pytest.mark.parametrize(
    "content", [CONTENT, b"X-Posthorn-Track: no\r\n" + TRACKED], ids=["no links", "switched off"]
)
async def test_a_message_with_nothing_to_replace_costs_no_write(
    content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await tracking_scene()
    writes = counted(scene, monkeypatch)
    await scene.accept(content=content)
    await scene.deliver_ready()
    (received,) = scene.egress.received
    assert received.content.endswith(content)
    assert writes == []


async def test_an_image_alone_costs_no_write(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = await tracking_scene(track_clicks=False, ssl_enabled=False)
    writes = counted(scene, monkeypatch)
    await scene.accept(content=TRACKED)
    await scene.deliver_ready()
    (received,) = scene.egress.received
    assert f"http://click.acme.test/img/{scene.server.token}/".encode() in received.content
    assert writes == []


async def test_links_switched_off_between_attempts_keep_their_numbers() -> None:
    scene = await tracking_scene()
    scene.egress.will("john@example.com", GREYLISTED)
    (accepted,) = await scene.accept(content=TRACKED.replace(b"/two", b".test/two"))
    await scene.deliver_ready()
    (track,) = await scene.posthorn[TrackDomains].of_server(scene.server)
    changed = replace(track, excluded_click_domains=("shop.example.com",))
    await scene.posthorn[Repository].replace(TRACK_DOMAINS, changed)
    await scene.play(1200)
    _, second = scene.egress.received
    numbers = [(scene.server.id, accepted.id, link) for link in (2, 0)]
    assert await tokens(scene, second.content) == numbers


async def test_addresses_that_are_out_keep_their_meaning_when_other_links_are_found() -> None:
    """As after a release that looks for links in another way."""
    scene = await tracking_scene()
    scene.egress.will("john@example.com", GREYLISTED)
    (accepted,) = await scene.accept(content=TRACKED)
    await scene.deliver_ready()
    record = await scene.record(accepted)
    assert await scene.posthorn[MessageStore].replace(record, replace(record, links=3))
    await scene.play(1200)
    _, second = scene.egress.received
    assert await tokens(scene, second.content) == [(scene.server.id, accepted.id, 0)]
    assert LINKS[1].encode() in second.content


async def test_a_bounce_is_not_tracked() -> None:
    scene = await tracking_scene()
    (accepted,) = await scene.accept(content=TRACKED)
    record = await scene.record(accepted)
    bounce = replace(record, message=replace(record.message, bounce=True))
    posthorn = scene.posthorn
    track = TrackLinks(
        posthorn.settings,
        posthorn[Clock],
        posthorn[Directory],
        posthorn[AddressMac],
        posthorn[Engagement],
    )
    assert await track.track(bounce, TRACKED, scene.server, scene.domain) == (bounce, TRACKED)
    _, content = await track.track(record, TRACKED, scene.server, scene.domain)
    assert content != TRACKED
