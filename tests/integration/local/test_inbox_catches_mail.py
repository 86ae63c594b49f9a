"""The inbox's SMTP side: exact bytes, pipelining, chunking, TLS, and recipients that misbehave as asked."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from infra.local.inbox_smtp import InboxServer, inbox_context
from infra.local.inbox_store import Caught, InboxStore
from infra.local.magic import Trick, manner_of
from tests.patience import PATIENCE

BODY = b"Subject: s\r\n\r\n.dot\r\n..dots\r\nbare\nand\rcr\r\n" + b"x" * 5000 + b"\r\n"


@dataclass
class Inbox:
    """A listening inbox whose clock a test moves."""

    store: InboxStore
    port: int = 0
    now: float = 1_000.0
    followed: list[tuple[Trick, Caught]] = field(default_factory=list)


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    box = Inbox(InboxStore(tmp_path / "inbox", lambda: box.now))
    server = InboxServer(
        box.store,
        inbox_context(tmp_path / "tls"),
        lambda: box.now,
        lambda trick, caught, _content: box.followed.append((trick, caught)),
    )
    loop = asyncio.new_event_loop()
    listener = loop.run_until_complete(server.start("127.0.0.1", 0))
    box.port = listener.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield box
    loop.call_soon_threadsafe(listener.close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0.01))
    loop.close()


class Client:
    """Speaks SMTP line by line."""

    def __init__(self, inbox: Inbox) -> None:
        self.socket: socket.socket = socket.create_connection(
            ("127.0.0.1", inbox.port), timeout=PATIENCE
        )
        self.file = self.socket.makefile("rwb")
        self.reply()
        self.say(b"EHLO client.test")

    def reply(self) -> bytes:
        lines = b""
        while True:
            line = self.file.readline()
            lines += line
            if line[3:4] != b"-":
                return lines

    def say(self, line: bytes) -> bytes:
        self.send(line + b"\r\n")
        return self.reply()

    def send(self, octets: bytes) -> None:
        self.file.write(octets)
        self.file.flush()

    def start_tls(self) -> None:
        assert self.say(b"STARTTLS").startswith(b"220")
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.file.close()
        self.socket = context.wrap_socket(self.socket)
        self.file = self.socket.makefile("rwb")
        self.say(b"EHLO client.test")

    def close(self) -> None:
        self.file.close()
        self.socket.close()


@pytest.fixture
def client(inbox: Inbox) -> Iterator[Client]:
    speaking = Client(inbox)
    yield speaking
    speaking.close()


def stuffed(content: bytes) -> bytes:
    return (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"


def test_the_exact_bytes_are_kept_for_each_recipient(inbox: Inbox, client: Client) -> None:
    client.say(b"MAIL FROM:<> SIZE=100")
    client.say(b"RCPT TO:<a@x.test> NOTIFY=FAILURE")
    client.say(b"RCPT TO:<b@x.test>")
    client.say(b"DATA")
    client.send(stuffed(BODY))
    assert client.reply().startswith(b"250 2.0.0 Caught as 0000000001")
    caught = inbox.store.newest()
    assert [each.rcpt_to for each in caught] == ["b@x.test", "a@x.test"]
    assert [inbox.store.raw(each) for each in caught] == [BODY, BODY]
    assert caught[0].mail_from == ""
    assert caught[0].helo == "client.test"


def test_a_pipelined_transaction_and_the_next_one_after_it(inbox: Inbox, client: Client) -> None:
    client.send(b"MAIL FROM:<s@x.test>\r\nRCPT TO:<a@x.test>\r\nDATA\r\n")
    assert [client.reply()[:3] for _ in range(3)] == [b"250", b"250", b"354"]
    client.send(stuffed(BODY) + b"MAIL FROM:<s@x.test>\r\nRCPT TO:<b@x.test>\r\nDATA\r\n.\r\n")
    assert [client.reply()[:3] for _ in range(5)] == [b"250", b"250", b"250", b"354", b"250"]
    assert [inbox.store.raw(each) for each in inbox.store.newest()] == [b"", BODY]


def test_content_that_arrives_octet_by_octet(inbox: Inbox, client: Client) -> None:
    client.send(b"MAIL FROM:<s@x.test>\r\nRCPT TO:<a@x.test>\r\nDATA\r\n")
    for _ in range(3):
        client.reply()
    for octet in stuffed(b"a\r\n.\r\nb\r\n"):
        client.send(bytes([octet]))
    assert client.reply().startswith(b"250")
    assert inbox.store.raw(inbox.store.newest()[0]) == b"a\r\n.\r\nb\r\n"


def test_chunks(inbox: Inbox, client: Client) -> None:
    client.send(b"MAIL FROM:<s@x.test>\r\nRCPT TO:<a@x.test>\r\nBDAT 3\r\n.\r\nBDAT 2 LAST\r\nab")
    assert [client.reply()[:3] for _ in range(4)] == [b"250"] * 4
    assert inbox.store.raw(inbox.store.newest()[0]) == b".\r\nab"


def test_tls_is_offered_used_and_recorded(inbox: Inbox, client: Client) -> None:
    client.start_tls()
    client.send(b"MAIL FROM:<s@x.test>\r\nRCPT TO:<a@x.test>\r\nDATA\r\nx\r\n.\r\n")
    assert [client.reply()[:3] for _ in range(4)] == [b"250", b"250", b"354", b"250"]
    assert inbox.store.newest()[0].tls.startswith("TLSv1.")


def test_what_came_before_tls_is_forgotten(inbox: Inbox, client: Client) -> None:
    client.send(b"STARTTLS\r\nMAIL FROM:<injected@x.test>\r\n")
    assert client.reply().startswith(b"220")
    client.socket.setblocking(True)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    secured = context.wrap_socket(client.socket)
    secured.sendall(b"EHLO c\r\nRCPT TO:<a@x.test>\r\n")
    answer = b""
    while b"503" not in answer:
        answer += secured.recv(4096)
    secured.close()
    assert b"250 2.1.0" not in answer
    assert inbox.store.count() == 0


@pytest.mark.parametrize(
    ("suffix", "reply"),
    [
        ("550", b"550 5.1.1"),
        ("451", b"451 4.3.0"),
        ("450", b"450 4.2.1"),
        ("421", b"421 4.3.2"),
        ("571", b"571 5.0.0"),
        ("greylist", b"451 4.7.1 Greylisted, please try again in 60 seconds"),
    ],
)
def test_recipients_that_are_refused(client: Client, suffix: str, reply: bytes) -> None:
    client.say(b"MAIL FROM:<s@x.test>")
    assert client.say(f"RCPT TO:<user+{suffix}@x.test>".encode()).startswith(reply)
    assert client.say(b"DATA").startswith(b"503")


def test_greylisting_ends_after_a_minute(inbox: Inbox, client: Client) -> None:
    client.say(b"MAIL FROM:<s@x.test>")
    assert client.say(b"RCPT TO:<a+greylist@x.test>").startswith(b"451")
    inbox.now += 59
    assert client.say(b"RCPT TO:<A+greylist@x.test>").startswith(b"451")
    inbox.now += 1
    assert client.say(b"RCPT TO:<a+greylist@x.test>").startswith(b"250")


def test_content_can_be_refused(inbox: Inbox, client: Client) -> None:
    client.send(b"MAIL FROM:<s@x.test>\r\nRCPT TO:<a+data-554@x.test>\r\nDATA\r\nx\r\n.\r\n")
    assert [client.reply()[:3] for _ in range(4)] == [b"250", b"250", b"354", b"554"]
    assert inbox.store.count() == 0


@pytest.mark.parametrize(("suffix", "kept"), [("drop-data", 0), ("drop-reply", 1)])
def test_connections_that_break_off(inbox: Inbox, client: Client, suffix: str, kept: int) -> None:
    rcpt = f"RCPT TO:<a+{suffix}@x.test>\r\n".encode()
    client.send(b"MAIL FROM:<s@x.test>\r\n" + rcpt + b"DATA\r\n")
    for _ in range(3):
        client.reply()
    client.send(b"x\r\n.\r\n")
    with contextlib.suppress(ConnectionResetError):
        assert client.file.readline() == b""
    assert inbox.store.count() == kept


def test_follow_ups_are_asked_for(inbox: Inbox, client: Client) -> None:
    for suffix in ("bounce-later", "complain"):
        rcpt = f"RCPT TO:<a+{suffix}@x.test>\r\n".encode()
        client.send(b"MAIL FROM:<s@x.test>\r\n" + rcpt + b"DATA\r\nx\r\n.\r\n")
        assert [client.reply()[:3] for _ in range(4)] == [b"250", b"250", b"354", b"250"]
    assert [trick for trick, _ in inbox.followed] == [Trick.BOUNCE_LATER, Trick.COMPLAIN]


def test_an_endless_command_line_ends_the_session(inbox: Inbox, client: Client) -> None:
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        client.socket.sendall(b"MAIL " + b"x" * 200_000)
        assert client.socket.recv(1) == b""
    another = Client(inbox)
    assert another.say(b"NOOP").startswith(b"250")
    another.close()


@pytest.mark.parametrize("filler", [b"\r\n", b".", b"\r\n.", b"\r\n..\r", b" "])
def test_hostile_content_costs_linear_time(inbox: Inbox, client: Client, filler: bytes) -> None:
    def seconds(size: int) -> float:
        client.send(b"MAIL FROM:<s@x.test>\r\nRCPT TO:<a@x.test>\r\nDATA\r\n")
        for _ in range(3):
            client.reply()
        content = b"a" + filler * (size // len(filler)) + b"z\r\n"
        begun = time.process_time()
        client.send(stuffed(content))
        assert client.reply().startswith(b"250")
        return time.process_time() - begun

    small = min(seconds(1 << 20) for _ in range(3))
    assert seconds(4 << 20) < 16 * small + 1.0


def test_suffixes_that_mean_nothing_are_ordinary() -> None:
    for address in ("a@x", "a+b@x", "a+5500@x", "a+250@x", "a+refuse@x", "a+@x", "550@x", ""):
        assert manner_of(address).trick is Trick.NONE


def test_the_oldest_make_room(tmp_path: Path) -> None:
    store = InboxStore(tmp_path, time.time, most=3, most_bytes=100)
    for number in range(5):
        store.add("s@x", f"r{number}@x", b"x" * 10)
    assert [each.rcpt_to for each in store.newest()] == ["r4@x", "r3@x", "r2@x"]
    store.add("s@x", "large@x", b"x" * 90)
    assert [each.rcpt_to for each in store.newest()] == ["large@x", "r4@x"]
    assert len(list(tmp_path.iterdir())) == 4
    assert store.get("0000000001") is None

    again = InboxStore(tmp_path, time.time)
    assert [each.id for each in again.newest()] == [each.id for each in store.newest()]
    assert again.clear() == 2
    assert list(tmp_path.iterdir()) == []
    assert int(again.add("s@x", "r@x", b"").id) > 6


@pytest.mark.parametrize(
    "id", ["", "1", "../../etc/passwd", "0000000001/../x", "\u0661" * 10, "0000000001\n", "x" * 10]
)
def test_an_id_never_becomes_a_path(tmp_path: Path, id: str) -> None:
    store = InboxStore(tmp_path, time.time)
    store.add("s@x", "r@x", b"x")
    assert store.get(id) is None


SESSION = (
    b"EHLO x\r\nMAIL FROM:<a@evil.example>\r\nRCPT TO:<b@x.test>\r\nDATA\r\nhi\r\n.\r\nQUIT\r\n"
)


@pytest.mark.parametrize(
    "first",
    [
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1:2526\r\nContent-Type: text/plain\r\n\r\n",
        b"GET /x HTTP/1.0\n\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\n\r\n",
        b"EHLO / HTTP/1.1\r\n",
        b"MAIL /x http/2\n",
        b"\x16\x03\x01\x02\x00\x01\n",
        b"\r\n",
        b"EHLO: x\r\n",
    ],
    ids=["post", "get", "http2", "preflight", "verb", "small", "tls", "blank", "field"],
)
def test_a_session_behind_a_line_of_another_protocol_leaves_no_mail(
    inbox: Inbox, first: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", inbox.port), timeout=10) as page:
        page.sendall(first + SESSION)
        said = b""
        with contextlib.suppress(ConnectionResetError):
            while block := page.recv(4096):
                said += block
    # A reset may take what was said with it, but never lets a reply to the session through.
    assert b"250" not in said
    assert said.count(b"\r\n") <= 2
    assert inbox.store.newest(None, 10) == []


def test_a_later_unknown_command_is_only_refused(client: Client) -> None:
    assert client.say(b"GET / HTTP/1.1").startswith(b"500 ")
    assert client.say(b"NOOP").startswith(b"250 ")
