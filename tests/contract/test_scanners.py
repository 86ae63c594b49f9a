"""Scanners that are not ours find GTUBE and EICAR; peers in trouble cost bounded time and memory and are named."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from chalicelib.adapters.network.scanners import NetworkScanners
from chalicelib.config import Settings
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.inspection import Threat
from chalicelib.ports.scanners import ScannedMail, ScanTimedOut
from tests.scanner_daemons import (
    EICAR,
    GTUBE,
    needs,
    running_clamd,
    running_rspamd,
    running_spamd,
)

HEAD = (
    b"Received: from c.example (c.example [192.0.2.1]) by mx.example with SMTP; Sun, 29 Nov 2026 21:00:00 +0000\r\n"
    b"From: a@a.example\r\nTo: b@b.example\r\nSubject: Hello\r\nDate: Sun, 29 Nov 2026 21:00:00 +0000\r\n"
    b"Message-ID: <1@a.example>\r\n\r\n"
)
HAM = HEAD + b"We meet at nine.\r\n"
SPAM = HEAD + GTUBE + b"\r\n"


@pytest.fixture(scope="module")
def spamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NetworkScanners]:
    with running_spamd(tmp_path_factory.mktemp("spamd")) as place:
        yield NetworkScanners(Settings(spamd=place, scan_seconds=30))


@pytest.fixture(scope="module")
def rspamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NetworkScanners]:
    with running_rspamd(tmp_path_factory.mktemp("rspamd")) as url:
        yield NetworkScanners(Settings(rspamd=url, spamd="127.0.0.1:1", scan_seconds=30))


@pytest.fixture(scope="module")
def clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NetworkScanners]:
    with running_clamd(tmp_path_factory.mktemp("clamd")) as place:
        yield NetworkScanners(Settings(clamd=place, scan_seconds=30))


@needs("spamd")
async def test_spamassassin_tells_spam_from_other_mail(spamd: NetworkScanners) -> None:
    assert spamd.names == ("spamd",)
    report = await spamd.spam(ScannedMail(SPAM))
    assert report is not None
    assert report.scanner == "spamd"
    assert report.score > 900
    (found,) = (one for one in report.checks if one.code == "GTUBE")
    assert (found.score, found.description) == (
        1000.0,
        "BODY: Generic Test for Unsolicited Bulk Email",
    )
    other = await spamd.spam(ScannedMail(HAM))
    assert other is not None
    assert other.score < 5
    await spamd.probe("spamd")


@needs("spamd")
async def test_rules_of_the_network_say_nothing_of_outgoing_mail(spamd: NetworkScanners) -> None:
    bare = HAM.partition(b"\r\n")[2]
    incoming = await spamd.spam(ScannedMail(bare))
    outgoing = await spamd.spam(ScannedMail(bare, is_outgoing=True))
    assert incoming is not None
    assert outgoing is not None
    assert {"NO_RECEIVED", "NO_RELAYS"} <= {one.code for one in incoming.checks}
    assert not {"NO_RECEIVED", "NO_RELAYS"} & {one.code for one in outgoing.checks}


@needs("rspamd")
async def test_rspamd_tells_spam_from_other_mail_and_wins(rspamd: NetworkScanners) -> None:
    assert rspamd.names == ("rspamd",)
    mail = ScannedMail(SPAM, "a@a.example", "b@b.example", "192.0.2.1", "c.example", "c.example")
    report = await rspamd.spam(mail)
    assert report is not None
    assert (report.scanner, report.score) == ("rspamd", 15.0)
    assert [one.code for one in report.checks] == ["GTUBE"]
    other = await rspamd.spam(ScannedMail(HAM, is_outgoing=True))
    assert other is not None
    assert other.score < 5
    await rspamd.probe("rspamd")


@needs("clamd")
async def test_clamav_finds_what_is_attached(clamd: NetworkScanners) -> None:
    assert clamd.names == ("clamd",)
    fields = b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    attached = HEAD[:-2] + fields + base64.encodebytes(EICAR).replace(b"\n", b"\r\n")
    found = await clamd.threat(attached)
    assert found is not None
    assert found.found
    assert found.details.startswith("Eicar-Test-Signature")
    assert found.details.endswith(" FOUND")
    assert await clamd.threat(HAM) == Threat(False, "No threats found")
    assert await clamd.threat(HAM + b"x" * 3_000_000) == Threat(False, "No threats found")
    await clamd.probe("clamd")


async def test_without_scanners_nothing_is_found() -> None:
    none = NetworkScanners(Settings())
    assert none.names == ()
    assert await none.spam(ScannedMail(HAM)) is None
    assert await none.threat(HAM) is None


Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def peer(answer: Answer) -> AsyncIterator[str]:
    """A scanner that does what `answer` does; yields `host:port`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(65_536):
        pass


async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"x" * 65_536)
        await writer.drain()


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.2)


async def gone(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def mad(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.0 200 OK\r\n\r\n{}")


@pytest.mark.parametrize("answer", [silent, endless, drip, gone, mad])
async def test_a_peer_in_trouble_is_given_up_in_time(answer: Answer) -> None:
    late = answer in (silent, drip)
    expected: type[Exception] = ScanTimedOut if late else TemporaryFailure
    async with peer(answer) as place:
        for settings in (
            Settings(spamd=place, scan_seconds=1),
            Settings(rspamd=f"http://{place}", scan_seconds=1),
            Settings(clamd=place, scan_seconds=1),
        ):
            scanners, began = NetworkScanners(settings), time.monotonic()
            with pytest.raises(expected) as trouble:
                await scanners.probe(scanners.names[0])
            assert isinstance(trouble.value, ScanTimedOut) is late
            assert time.monotonic() - began < 3


async def test_a_scanner_that_is_not_there_is_trouble() -> None:
    scanners = NetworkScanners(Settings(spamd="127.0.0.1:1", clamd="[::1]:1"))
    assert scanners.names == ("spamd", "clamd")
    for name in scanners.names:
        with pytest.raises(TemporaryFailure, match=name):
            await scanners.probe(name)
