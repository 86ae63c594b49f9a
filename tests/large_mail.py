"""Two processes for measuring what delivering large mail costs in memory.

`python -m tests.large_mail receive` is a receiving server on a free port of every loopback address, with STARTTLS, that
prints its port. It takes the first of a message, lets the rest wait until everything between is full, and then has no
room: so much mail is in hand at once, and little of it moves. `python -m tests.large_mail deliver FOLDER PORT KIND
COUNT` delivers COUNT wake-ups, each to a host of its own, by the real services over stores in memory, with bodies read
from FOLDER and real sessions, and prints one JSON object: how many were `tried`, how many `left` in the queue, how
often a body was read, and the peak of resident memory in MiB. KIND says what the bodies are: `one` for all, `each` its
own, `tracked` one whose links are replaced for each recipient.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path

from chalicelib.adapters.network.egress import NetworkEgress
from chalicelib.adapters.sqlite.folder import StateFolder
from chalicelib.adapters.sqlite.sealing_keys import SealingKeys
from chalicelib.adapters.sqlite.vault import FileKeyVault
from chalicelib.adapters.system.clock import SystemClock
from chalicelib.adapters.system.randomness import SystemRand
from chalicelib.config import Settings
from chalicelib.domain.model import BlobRef, Message, Status
from chalicelib.domain.tenancy.track_domains import TRACK_DOMAINS, DnsStatus, TrackDomain
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.clock import Clock
from chalicelib.ports.egress import Egress
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.rand import Rand
from chalicelib.ports.repository import Repository
from chalicelib.ports.vault import KeyVault
from chalicelib.services.outgoing.pipeline import SendOutgoing
from chalicelib.services.queue.attempt import AttemptDelivery, ReceivedJob
from tests.fakes import a_job, a_message
from tests.peers import server_context
from tests.resident_memory import peak_mib
from tests.worlds import Scene, make_scene, publish

TAKEN = 1 << 20
FULL_SECONDS = 3.0  # longer than fifty sessions need to get as far
NO_ROOM = "452 4.3.1 Insufficient system storage"


class FileBlobs:
    """Bodies as files of a folder, read anew each time, as from S3."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.reads = 0

    async def get(self, ref: BlobRef) -> bytes:
        self.reads += 1
        with (self._folder / ref.key).open("rb") as file:
            file.seek(ref.offset)
            return await asyncio.to_thread(file.read, ref.length)


async def receive() -> None:
    server = await asyncio.start_server(_converse, "0.0.0.0", 0, limit=1 << 16)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    def say(text: str) -> None:
        writer.write(text.encode() + b"\r\n")

    say("220 sink.test ESMTP")
    while line := await reader.readline():
        verb = line[:4].upper()
        if verb == b"EHLO":
            say("250-sink.test\r\n250-8BITMIME\r\n250 STARTTLS")
        elif verb == b"STAR":
            say("220 go")
            await writer.start_tls(server_context())
        elif verb == b"DATA":
            say("354 go")
            await reader.readexactly(TAKEN)
            await asyncio.sleep(FULL_SECONDS)
            say(NO_ROOM)
            while await reader.read(1 << 16):
                pass  # until the client has left
            return
        else:
            say("250 ok")
    writer.close()


async def deliver(folder: Path, port: int, kind: str, count: int) -> None:
    settings = Settings(delivery_port=port, allow_private_delivery=True)
    blobs, vault = FileBlobs(folder), FileKeyVault(SealingKeys(StateFolder(settings), SystemRand()))
    parts = {
        Clock: SystemClock(settings),
        Rand: SystemRand(),
        BlobStore: blobs,  # the one verb that delivering uses
        KeyVault: vault,
        Egress: NetworkEgress(settings, vault),
    }
    scene = await make_scene(settings, parts=parts)
    if kind == "tracked":
        name, server = "track.acme.test", scene.server.id
        tracks = TrackDomain(name, "track", "acme.test", server, "u", 0, dns_status=DnsStatus.OK)
        await scene.posthorn[Repository].add(TRACK_DOMAINS, tracks)
    messages = [_message(scene, folder, kind, number) for number in range(1, count + 1)]
    left = await scene.posthorn[AttemptDelivery].run(
        scene.posthorn[SendOutgoing],
        [ReceivedJob(a_job(message), str(message.id)) for message in messages],
    )
    await scene.posthorn[Egress].close()  # type: ignore[attr-defined]
    records = await scene.posthorn[MessageStore].get_many(
        [(one.server_id, one.id) for one in messages]
    )
    tried = sum(
        record.status is Status.SOFT_FAIL and record.deliveries[-1].output == NO_ROOM
        for record in records
    )
    reads = blobs.reads
    print(json.dumps({"tried": tried, "left": len(left), "reads": reads, "mib": peak_mib()}))


def _message(scene: Scene, folder: Path, kind: str, number: int) -> Message:
    domain = f"d{number}.test"
    publish(scene.posthorn, domain, f"127.0.1.{number}")
    key = f"body-{number if kind == 'each' else 1}"
    length = (folder / key).stat().st_size
    message = a_message(scene.server.id, number, blob=BlobRef(key, 0, length), size=length)
    origin = replace(message.origin, credential_id=scene.principal.credential.id)
    return replace(message, rcpt_to=f"john@{domain}", origin=origin)


def write_bodies(folder: Path, size: int, count: int) -> None:
    """Bodies that everything between store and socket has to change on its way: lines that begin with a dot, and, but
    in the first, tabs and runs of space, which signing takes out."""
    head = b"From: App <app@acme.test>\r\nSubject: Large\r\nMIME-Version: 1.0\r\n"
    head += (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n"
    )
    head += b'<a href="https://acme.test/offer">the offer</a>\r\n--b\r\n'
    head += b"Content-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\n"
    end = b"--b--\r\n"
    for number in range(1, count + 1):
        line = b"..dots \xc3\xa4\r\n" if number == 1 else b"..dots  and \t tabs \xc3\xa4  \r\n"
        lines = line * ((size - len(head) - len(end)) // len(line))
        (folder / f"body-{number}").write_bytes(head + lines + end)


if __name__ == "__main__":
    if sys.argv[1] == "receive":
        asyncio.run(receive())
    else:
        asyncio.run(deliver(Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4], int(sys.argv[5])))
