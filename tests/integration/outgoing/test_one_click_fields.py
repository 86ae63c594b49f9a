"""One-click fields (RFC 8058) of mail that is to have them: signed, kept before the message goes out, one link for each
recipient, and never beside those of the message's own."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from chalicelib.domain.errors import NotFound, TemporaryFailure
from chalicelib.domain.model import Message, Status
from chalicelib.domain.reply import Reply
from chalicelib.domain.send_options import SendOptions
from chalicelib.ports.egress import TransactionResult
from chalicelib.ports.unsubscribe_links import UnsubscribeLinks
from chalicelib.services.outgoing.accept import AcceptMail
from tests.worlds import CONTENT, Scene, make_scene

URL = re.compile(
    rb"^List-Unsubscribe: <https://posthorn\.example\.com/u/([0-9A-Za-z]{31})>\r$", re.M
)
POST = b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
TWO = ("john@example.com", "jane@example.net")


async def accepted(
    scene: Scene, *recipients: str, content: bytes = CONTENT, **options: object
) -> tuple[Message, ...]:
    submission = scene.submission(*recipients, content=content)
    submission = replace(submission, options=SendOptions(**options))  # type: ignore[arg-type]
    return await scene.posthorn[AcceptMail].submit(submission)


def got(scene: Scene) -> list[bytes]:
    return [one.content for one in scene.egress.received]


async def links(scene: Scene, messages: tuple[Message, ...]) -> list[tuple[str, str]]:
    found = []
    for one in messages:
        link = await scene.posthorn[UnsubscribeLinks].get(
            scene.server.id, one.id, scene.clock.now()
        )
        found.append((link.recipient, link.stream))
    return found


async def test_each_recipient_gets_a_link_of_its_own_under_both_signatures() -> None:
    scene = await make_scene()
    made = await accepted(scene, *TWO, stream="broadcast")
    await scene.deliver_ready()
    tokens = set()
    for content in got(scene):
        header = content.partition(b"\r\n\r\n")[0] + b"\r\n"
        (token,) = URL.findall(header)
        tokens.add(token)
        assert header.count(POST) == 1
        signatures = re.findall(rb"DKIM-Signature:.*?h=(.*?);", header, re.S)
        assert len(signatures) == 2
        for signed in signatures:
            names = [one.strip() for one in re.sub(rb"\s", b"", signed).lower().split(b":")]
            assert names.count(b"list-unsubscribe") == 2  # once more than it is there
            assert names.count(b"list-unsubscribe-post") == 2
        assert content.endswith(CONTENT)
    assert len(tokens) == 2
    assert await links(scene, made) == [(one, "broadcast") for one in TWO]


@pytest.mark.parametrize(
    ("options", "field", "has"),
    [
        ({}, b"", False),
        ({"stream": "broadcast"}, b"", True),
        ({"stream": "broadcast", "unsubscribe": False}, b"", False),
        ({"unsubscribe": True}, b"", True),
        ({"stream": "broadcast"}, b"X-Posthorn-Unsubscribe: no\r\n", False),
        ({}, b"X-Posthorn-Unsubscribe: YES\r\n", True),
        ({"unsubscribe": False}, b"X-Posthorn-Unsubscribe: yes\r\n", False),
        ({}, b"X-Posthorn-Stream: broadcast\r\n", True),
        ({"unsubscribe": True}, b"List-Unsubscribe: <https://acme.test/bye>\r\n", False),
        ({"unsubscribe": True}, b"list-unsubscribe:\r\n <mailto:bye@acme.test>\r\n", False),
    ],
)
async def test_who_gets_them(options: dict[str, object], field: bytes, has: bool) -> None:
    scene = await make_scene()
    made = await accepted(scene, content=field + CONTENT, **options)
    await scene.deliver_ready()
    (content,) = got(scene)
    assert bool(URL.search(content)) is has
    assert (POST in content) is has
    if not has:
        with pytest.raises(NotFound):
            await links(scene, made)


async def test_a_bounce_gets_none() -> None:
    scene = await make_scene()
    submission = scene.submission(content=CONTENT)
    options = SendOptions(unsubscribe=True)
    await scene.posthorn[AcceptMail].submit(replace(submission, bounce=True, options=options))
    await scene.deliver_ready()
    assert b"List-Unsubscribe" not in got(scene)[0]


async def test_another_attempt_has_the_same_link() -> None:
    scene = await make_scene()
    scene.egress.will("john@example.com", TransactionResult(Reply(451, "4.3.0", "Later"), "RCPT"))
    await accepted(scene, stream="broadcast")
    await scene.play(600)
    first, second = [URL.search(content) for content in got(scene)]
    assert first is not None
    assert second is not None
    assert first[1] == second[1]


async def test_nothing_goes_out_before_its_link_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = await make_scene()
    made = await accepted(scene, stream="broadcast")

    async def away(*_: object) -> None:
        raise TemporaryFailure("the store is away")

    with monkeypatch.context() as broken:
        broken.setattr(scene.posthorn[UnsubscribeLinks], "keep", away)
        await scene.deliver_ready()
        assert got(scene) == []
    await scene.play(1_200)
    assert (await scene.record(made[0])).status is Status.SENT
    assert await links(scene, made) == [("john@example.com", "broadcast")]
