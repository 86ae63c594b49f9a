"""Message bytes come back as they were put: packed, by range, and uploaded by clients."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
import urllib.error
import urllib.request
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from chalicelib.domain.errors import MailError, NotFound
from chalicelib.domain.file_link import disposition
from chalicelib.domain.model import BlobRef
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.blobs import SMALLEST_PART, BlobStore, UploadTicket
from onehost.web.application import Web
from tests import web_client
from tests.contract.conftest import World
from tests.fakes import NOW, a_server_id
from tests.patience import PATIENCE
from tests.web_client import bring, serving_web

BODIES = [b"From: a\r\n\r\nbody\r\n", b"", bytes(range(256)) * 40, b"\x00\xff\r\n.\r\n"]


async def test_packed_bodies_come_back_one_by_one(world: World) -> None:
    refs = await world[BlobStore].put(world.server, BODIES, NOW)
    assert len({ref.key for ref in refs}) == 1
    assert "20270115/" in refs[0].key
    assert [ref.length for ref in refs] == [len(body) for body in BODIES]
    assert [await world[BlobStore].get(ref) for ref in refs] == BODIES


async def test_a_part_of_an_object_can_be_referred_to(world: World) -> None:
    (ref,) = await world[BlobStore].put(world.server, [b"0123456789"], NOW)
    assert await world[BlobStore].get(replace(ref, offset=ref.offset + 3, length=4)) == b"3456"


async def test_no_bodies_need_no_place(world: World) -> None:
    assert await world[BlobStore].put(world.server, [], NOW) == []


async def test_two_puts_never_share_an_object(objects: World) -> None:
    first = await objects[BlobStore].put(objects.server, [b"one"], NOW)
    second = await objects[BlobStore].put(objects.server, [b"two"], NOW)
    assert first[0].key != second[0].key
    assert first[0].key.startswith(f"r/{objects.server}/20270115/")


async def test_a_purged_object_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        await world[BlobStore].get(BlobRef(f"r/{world.server}/20270115/gone", 0, 10))


async def follow(
    world: World, url: str, kind: str = "message/rfc822", begins: str = "attachment"
) -> bytes:
    """What a client does with a link."""
    if world.settings.state_folder:
        with serving_web(Web(world)) as port:
            place = f"http://127.0.0.1:{port}{urlsplit(url).path}"
            return await asyncio.to_thread(fetch, place, kind, begins)
    if world.family == "sqlite":
        return await web_client.follow(world, url, kind, begins)
    return fetch(url, kind, begins)


def fetch(url: str, kind: str, begins: str) -> bytes:
    """A file of this type at a URL."""
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310  # the test's own backend
        assert answer.headers["Content-Type"] == kind
        assert answer.headers["Content-Disposition"].startswith(begins)
        body: bytes = answer.read()
        return body


async def test_anybody_may_fetch_a_whole_object_by_its_link(world: World) -> None:
    content = bytes(range(256)) * 25_000
    (ref,) = await world[BlobStore].put(world.server, [content], NOW)
    url = await world[BlobStore].link(ref, 300)
    assert url is not None
    assert await follow(world, url) == content


async def test_what_was_uploaded_is_fetched_as_a_file_of_no_type(world: World) -> None:
    now, upload_id = now_of(world), "0a" * 16
    await world[BlobStore].bring(world.server, upload_id, b"<script>", now)
    ref = await world[BlobStore].uploaded(world.server, upload_id, now)
    url = await world[BlobStore].link(ref, 300)
    assert url is not None
    assert await follow(world, url, "application/octet-stream") == b"<script>"


async def test_the_file_behind_a_link_has_the_name_that_it_is_given(world: World) -> None:
    now, upload_id = now_of(world), "0b" * 16
    await world[BlobStore].bring(world.server, upload_id, b"x", now)
    ref = await world[BlobStore].uploaded(world.server, upload_id, now)
    for name in ("a.txt", 'größe "1"\r\nX: y.png', "😀" * 255):
        url = await world[BlobStore].link(ref, 300, name)
        assert url is not None
        assert await follow(world, url, "application/octet-stream", disposition(name)) == b"x"


async def test_there_is_no_link_to_a_part_of_an_object(objects: World) -> None:
    refs = await objects[BlobStore].put(objects.server, [b"first", b"second"], NOW)
    assert [await objects[BlobStore].link(ref, 300) for ref in refs] == [None, None]
    (ref,) = await objects[BlobStore].put(objects.server, [b"0123456789"], NOW)
    for part in (replace(ref, length=4), replace(ref, offset=3, length=7)):
        assert await objects[BlobStore].link(part, 300) is None


async def test_there_is_no_link_to_a_purged_object(world: World) -> None:
    with pytest.raises(NotFound):
        await world[BlobStore].link(BlobRef(f"r/{world.server}/20270115/gone", 0, 10), 300)


async def upload(world: World, ticket: UploadTicket, content: bytes) -> None:
    """What a client does with a ticket."""
    if world.settings.state_folder:
        with serving_web(Web(world)) as port:
            url = f"http://127.0.0.1:{port}{urlsplit(ticket.url).path}"
            await asyncio.to_thread(put, replace(ticket, url=url), content)
    elif world.family == "sqlite":
        await bring(world, ticket, content)
    else:
        put(ticket, content)


def put(ticket: UploadTicket, content: bytes) -> None:
    """Bring a file to a URL."""
    headers = {**ticket.headers, "Content-Type": "application/octet-stream"}
    request = urllib.request.Request(  # noqa: S310  # the test's own backend
        ticket.url, content, headers, method=ticket.method
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
        assert answer.status == 200


def now_of(world: World) -> float:
    """A store of objects writes its own time."""
    return world.clock.now() if world.family == "sqlite" else time.time()


async def test_a_client_uploads_by_itself(world: World) -> None:
    content, now = b"x" * 5_000, now_of(world)
    ticket = await world[BlobStore].ticket(world.server, len(content), now)
    assert (ticket.method, ticket.expires_at) == ("PUT", int(now) + 3_600)
    with pytest.raises(NotFound):
        await world[BlobStore].uploaded(world.server, ticket.id, now)
    await upload(world, ticket, content)
    ref = await world[BlobStore].uploaded(world.server, ticket.id, now)
    assert ref.length == len(content)
    assert await world[BlobStore].get(ref) == content
    with pytest.raises(NotFound):
        await world[BlobStore].uploaded(a_server_id(), ticket.id, now)


async def test_an_upload_can_be_named_for_two_days(world: World) -> None:
    now = now_of(world)
    ticket = await world[BlobStore].ticket(world.server, 1, now)
    await upload(world, ticket, b"x")
    assert (await world[BlobStore].uploaded(world.server, ticket.id, now + 172_000)).length == 1
    with pytest.raises(NotFound):
        await world[BlobStore].uploaded(world.server, ticket.id, now + 174_000)


@pytest.mark.parametrize("upload_id", ["", "../r/1", "0" * 31, "0" * 32, "é" * 32, "a" * 100_000])
async def test_an_unknown_upload_is_not_found(world: World, upload_id: str) -> None:
    with pytest.raises(NotFound):
        await world[BlobStore].uploaded(world.server, upload_id, NOW)


async def test_failures_are_of_the_error_tree(world: World) -> None:
    with pytest.raises(MailError):
        await world[BlobStore].get(BlobRef("r/none", 5, 5))


async def test_a_file_is_listed_and_kept_elsewhere(world: World) -> None:
    blobs, now, there = world[BlobStore], now_of(world), ServerId(-a_server_id())
    assert await blobs.files(world.server, now) == {}
    name = secrets.token_hex(16)
    await blobs.keep(world.server, name, b"a,b\n", now)
    ((listed, at),) = (await blobs.files(world.server, now)).items()
    assert (listed, abs(at - now) < PATIENCE) == (name, True)
    assert await blobs.uploads(world.server, now) == {}
    content = await blobs.get(await blobs.kept(world.server, name, now))
    await blobs.keep(there, name, content, at)
    assert list(await blobs.files(there, now)) == [name]
    ref = await blobs.kept(there, name, now + 6 * 86_400)
    assert await blobs.get(ref) == b"a,b\n"
    assert list(await blobs.files(there, now + 6 * 86_400)) == [name]
    assert await blobs.files(there, now + 7 * 86_400 + PATIENCE) == {}


async def test_an_upload_is_listed_and_kept_elsewhere(world: World) -> None:
    content, now, there = b"x" * 100, now_of(world), a_server_id()
    ticket = await world[BlobStore].ticket(world.server, len(content), now)
    assert await world[BlobStore].uploads(world.server, now) == {}
    await upload(world, ticket, content)
    ((upload_id, at),) = (await world[BlobStore].uploads(world.server, now)).items()
    assert (upload_id, abs(at - now) < PATIENCE) == (ticket.id, True)
    await world[BlobStore].bring(there, upload_id, content, at)
    ref = await world[BlobStore].uploaded(there, upload_id, now)
    assert await world[BlobStore].get(ref) == content
    assert list(await world[BlobStore].uploads(there, now)) == [upload_id]
    assert await world[BlobStore].uploads(there, now + 174_000) == {}


async def test_a_file_in_parts_is_their_bytes_in_order_whoever_dies(world: World) -> None:
    store, owner, name = world[BlobStore], world.server, "5" * 32
    first, last = secrets.token_bytes(SMALLEST_PART), b"the end"
    whole = await store.begin_whole(owner, name)
    await store.add_part(owner, name, whole, 1, b"\0" * SMALLEST_PART)
    tags = [await store.add_part(owner, name, whole, 1, bytearray(first))]
    with pytest.raises(NotFound):
        await store.kept(owner, name, world.clock.now())
    tags.append(await world.another()[BlobStore].add_part(owner, name, whole, 2, last))
    now = time.time() if world.family == "aws" else world.clock.now()
    ref = await store.end_whole(owner, name, whole, tags, now)
    assert ref == await store.kept(owner, name, now)
    assert await store.get(ref) == first + last
    # Whoever did not hear that it was ended may find nothing to end, and finds the file.
    with contextlib.suppress(NotFound):
        await store.end_whole(owner, name, whole, tags, now)
    assert await store.get(await store.kept(owner, name, now)) == first + last
