"""Bodies and uploads of one host: only with an address of ours, in its time, whole, and after a restart too."""

from __future__ import annotations

import errno
import http.client
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from chalicelib import bootstrap
from chalicelib.adapters.sqlite import uploads
from chalicelib.adapters.sqlite.links import SignedLinks
from chalicelib.adapters.sqlite.uploads import Upload, Uploads
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.durations import DAY
from chalicelib.domain.errors import NotFound
from chalicelib.domain.model import BlobRef
from chalicelib.ports.blobs import BlobStore, UploadTicket
from chalicelib.ports.clock import Clock
from onehost.upkeep import Upkeep
from onehost.web.application import Web
from tests.http_api import Reply
from tests.integration.onehost.conftest import WebTenant
from tests.patience import PATIENCE
from tests.web_client import ask, serving_web

LARGE = bytes(range(256)) * 20_000  # 5 MB: more than an answer of the API has


def link(tenant: WebTenant, ref: BlobRef, seconds: int = 300) -> str:
    url = bootstrap.run(tenant.posthorn[BlobStore].link(ref, seconds))
    assert url is not None
    return urlsplit(url).path


def put(tenant: WebTenant, *bodies: bytes) -> list[BlobRef]:
    now = tenant.posthorn[Clock].now()
    return bootstrap.run(tenant.posthorn[BlobStore].put(tenant.server.id, bodies, now))


def ticket(tenant: WebTenant, size: int, ago: float = 0) -> UploadTicket:
    now = tenant.posthorn[Clock].now() - ago
    return bootstrap.run(tenant.posthorn[BlobStore].ticket(tenant.server.id, size, now))


def uploaded(tenant: WebTenant, given: UploadTicket) -> BlobRef:
    store, now = tenant.posthorn[BlobStore], tenant.posthorn[Clock].now()
    return bootstrap.run(store.uploaded(tenant.server.id, given.id, now))


def bring(tenant: WebTenant, given: UploadTicket, content: bytes) -> Reply:
    return tenant.call("PUT", urlsplit(given.url).path, content)


def test_uploads_that_nobody_used_and_those_that_never_ended_go_after_two_days(
    tenant: WebTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = tenant.posthorn[Clock].now()
    folder = Path(tenant.posthorn.settings.state_folder) / "uploads" / str(tenant.server.id)
    finished = ticket(tenant, 4)
    assert bring(tenant, finished, b"mail").status == 200
    left = tenant.posthorn[Uploads].begin(f"u/{tenant.server.id}/{'b' * 32}")
    left.write(b"half")
    names = {path.name for path in folder.iterdir()}
    assert len(names) == 2

    def kept(seconds: float) -> set[str]:
        """After so long, by both clocks."""
        monkeypatch.setattr(uploads.time, "time", lambda: now + seconds)
        monkeypatch.setattr(tenant.posthorn[Clock], "now", lambda: now + seconds)
        bootstrap.run(Upkeep(tenant.posthorn).expire())
        return {path.name for path in folder.iterdir()}

    assert kept(2 * DAY - 60) == names
    assert kept(2 * DAY + 60) == set()
    left.drop()


async def test_uploads_in_memory_go_as_well() -> None:
    program = bootstrap.in_memory()
    now, keys = program[Clock].now(), program[Uploads]
    keys.begin("u/1/a").keep(now - 2 * DAY)
    keys.begin("u/1/b").keep(now)
    await Upkeep(program).expire()
    assert keys.find("u/1/b") == (0, now)
    with pytest.raises(NotFound):
        keys.find("u/1/a")


def test_a_large_message_is_uploaded_sent_and_fetched(tenant: WebTenant) -> None:
    made = tenant.v2("POST", "/uploads", {"size": len(LARGE)})
    assert made.status == 201
    place = urlsplit(made.json["url"])
    assert place.hostname == tenant.posthorn.settings.web_hostname
    assert tenant.call(made.json["method"], place.path, LARGE, made.json["headers"]).status == 200
    letter = {"from": "app@acme.test", "to": "x@example.com", "subject": "Large", "text": "Here"}
    file = {"filename": "a.bin", "content_type": "application/octet-stream"}
    sent = tenant.v2(
        "POST", "/emails", {**letter, "attachments": [{**file, "upload": made.json["id"]}]}
    )
    assert sent.status == 202, sent.body
    asked = tenant.v2("GET", f"/emails/{sent.json['id']}/raw")
    assert asked.status == 303
    fetched = tenant.call("GET", urlsplit(asked.headers["location"]).path)
    assert (fetched.status, fetched.headers["content-type"]) == (200, "message/rfc822")
    assert fetched.headers["content-disposition"] == 'attachment; filename="message.eml"'
    assert fetched.headers["x-content-type-options"] == "nosniff"
    assert len(fetched.body) > len(LARGE)
    assert b"\r\nSubject: Large\r\n" in fetched.body


def test_a_link_names_one_of_several_bodies(tenant: WebTenant) -> None:
    refs = put(tenant, b"first", b"", LARGE, b"last")
    assert [tenant.call("GET", link(tenant, ref)).body for ref in refs] == [
        b"first",
        b"",
        LARGE,
        b"last",
    ]
    head = tenant.call("HEAD", link(tenant, refs[2]))
    assert (head.status, head.headers["content-length"], head.body) == (200, str(len(LARGE)), b"")


def test_an_address_that_is_forged_over_or_gone(tenant: WebTenant) -> None:
    (ref,) = put(tenant, b"first")
    path = link(tenant, ref)
    assert tenant.call("GET", path[:-1] + ("A" if path[-1] != "A" else "B")).status in {403, 404}
    assert tenant.call("GET", path.replace("/5/", "/6/")).status == 403
    assert tenant.call("GET", link(tenant, ref, seconds=0)).status == 403
    assert tenant.call("GET", f"{path}/x").status == 404
    assert tenant.call("GET", "/b/../key").status == 404
    gone = tenant.posthorn[SignedLinks].link(BlobRef("20270115/aa-1.seg", 16, 5), 9_999_999_999)
    assert tenant.call("GET", urlsplit(gone).path).status == 404
    assert tenant.call("POST", path, b"x").status == 404
    assert tenant.call("GET", path).body == b"first"


def test_what_is_not_as_it_was_written_is_never_whole(tenant: WebTenant) -> None:
    (ref,) = put(tenant, LARGE)
    path = link(tenant, ref)
    segment = Path(tenant.posthorn.settings.state_folder, "bodies", ref.key)
    with segment.open("r+b") as file:
        file.seek(ref.offset + len(LARGE) - 1)
        file.write(b"\x00")
    with pytest.raises(http.client.IncompleteRead):
        tenant.call("GET", path)
    assert tenant.v2("GET", "/emails").status == 200


def test_an_upload_survives_a_restart(unserved: WebTenant) -> None:
    settings, server = unserved.posthorn.settings, unserved.server
    given, brought = ticket(unserved, 3), ticket(unserved, 4)
    with serving_web(Web(unserved.posthorn)) as unserved.port:
        assert bring(unserved, brought, b"abcd").status == 200
    again = WebTenant(Posthorn(settings, "sqlite"), server, unserved.api_key)
    assert bootstrap.run(again.posthorn[BlobStore].get(uploaded(again, brought))) == b"abcd"
    with serving_web(Web(again.posthorn)) as again.port:
        assert bring(again, given, b"abc").status == 200
    assert bootstrap.run(again.posthorn[BlobStore].get(uploaded(again, given))) == b"abc"
    (folder,) = Path(settings.state_folder, "uploads").iterdir()
    assert {path.name for path in folder.iterdir()} == {given.id, brought.id}
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())


@pytest.mark.parametrize(("content", "status"), [(b"ab", 400), (b"abcd", 413), (b"", 400)])
def test_an_upload_has_exactly_its_size(tenant: WebTenant, content: bytes, status: int) -> None:
    given = ticket(tenant, 3)
    assert bring(tenant, given, content).status == status
    assert bring(tenant, given, b"abc").status == 200
    assert bring(tenant, given, b"xyz").status == 200  # the ticket is good for an hour
    assert bootstrap.run(tenant.posthorn[BlobStore].get(uploaded(tenant, given))) == b"xyz"


def test_an_upload_says_its_length_and_has_a_ticket(tenant: WebTenant) -> None:
    given = ticket(tenant, 3)
    path = urlsplit(given.url).path
    client = http.client.HTTPConnection("127.0.0.1", tenant.port, timeout=PATIENCE)
    client.request("PUT", path, iter([b"abc"]), encode_chunked=True)
    assert client.getresponse().status == 411
    client.close()
    assert tenant.call("PUT", path.replace("/3/", "/4/"), b"abcd").status == 403
    assert tenant.call("PUT", "/u/1/2", b"abcd").status == 404
    assert tenant.call("PUT", "/u/abc", b"abcd").status == 405  # a link to unsubscribe
    assert bring(tenant, ticket(tenant, 3, ago=3_600), b"abc").status == 403
    assert not Path(tenant.posthorn.settings.state_folder, "uploads").exists()


def test_an_upload_that_ends_early_leaves_nothing(tenant: WebTenant) -> None:
    given = ticket(tenant, 100_000)
    head = f"PUT {urlsplit(given.url).path} HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", tenant.port), timeout=PATIENCE) as client:
        client.sendall(head.encode() + b"x" * 70_000)
        client.shutdown(socket.SHUT_WR)
        assert client.recv(100) == b""
    tenant.v2("GET", "/emails")
    (folder,) = Path(tenant.posthorn.settings.state_folder, "uploads").iterdir()
    assert list(folder.iterdir()) == []
    assert bring(tenant, given, b"y" * 100_000).status == 200


class _Full(Upload):
    """A file on a disk that is full at one of its steps."""

    def __init__(self, at: str) -> None:
        self._at = at
        self.dropped = False

    def write(self, piece: bytes) -> None:
        self._step("write")

    def keep(self, at: float) -> None:
        self._step("keep")

    def drop(self) -> None:
        self.dropped = True

    def _step(self, name: str) -> None:
        if self._at == name:
            raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("step", ["write", "keep"])
def test_a_full_disk_is_a_507(
    tenant: WebTenant, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    full = _Full(step)
    begin: Callable[[Any], Upload] = lambda _: full  # noqa: E731  # one expression
    monkeypatch.setattr(tenant.posthorn[Uploads], "begin", begin)
    assert bring(tenant, ticket(tenant, 3), b"abc").status == 507
    assert full.dropped


async def test_uploads_of_a_program_that_keeps_nothing(unserved: WebTenant) -> None:
    posthorn = Posthorn(unserved.posthorn.settings.__class__(), "sqlite")
    now = posthorn[Clock].now()
    given = await posthorn[BlobStore].ticket(unserved.server.id, 3, now)
    path = urlsplit(given.url).path
    assert (await ask(Web(posthorn), "PUT", path, body=b"abc")).status == 200
    ref = await posthorn[BlobStore].uploaded(unserved.server.id, given.id, now)
    assert await posthorn[BlobStore].get(ref) == b"abc"
