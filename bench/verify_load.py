"""Mail from strangers: kept connections behind a proxy, each message signed by its sender's domain.

`python -m bench.verify_load --port N --key FILE …` prints one JSON object, as `bench.smtp_load` does. Everything is
signed before the first connection is made. The PROXY header gives the client an address that is not of loopback, which
some checkers of SPF let pass unasked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import uvloop
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bench.smtp_load import Client, message
from chalicelib.domain.mail.dkim import finish, prepare, signing_input

CLIENT = "192.0.2.10"
PROXY = f"PROXY TCP4 {CLIENT} 127.0.0.1 40000 25\r\n".encode()
SELECTOR = "bench"
TOP = "example"


class ProxiedClient(Client):
    """A connection that says first for whom it is made."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        super().connection_made(transport)
        self._transport.write(PROXY)


def sender_of(number: int) -> str:
    """The domain of a sender."""
    return f"d{number}.senders.{TOP}"


def signed(size: int, number: int, key: RSAPrivateKey, now: int) -> tuple[str, bytes]:
    """The sender's address and the message, about so large, on the wire, with its final dot."""
    domain = sender_of(number)
    sender = f"news@{domain}"
    content = message(size, sender).removesuffix(b".\r\n")
    signing = signing_input(prepare(content), domain, SELECTOR, "rsa-sha256", now)
    signature = key.sign(signing.digest, PKCS1v15(), Prehashed(SHA256()))
    return sender, finish(signing, signature) + content + b".\r\n"


def script(mails: Iterator[tuple[str, bytes]], rcpt: str) -> Iterator[tuple[bytes, bytes]]:
    """What one connection says, with the code that each reply must have."""
    yield b"EHLO client.bench.example\r\n", b"250"
    to = f"RCPT TO:<{rcpt}>\r\n".encode()
    for sender, body in mails:
        yield f"MAIL FROM:<{sender}>\r\n".encode(), b"250"
        yield to, b"250"
        yield b"DATA\r\n", b"354"
        yield body, b"250"
    yield b"QUIT\r\n", b"221"


async def load(
    port: int, rcpt: str, sessions: int, mails: Sequence[tuple[str, bytes]]
) -> dict[str, float]:
    """Send all of them over all sessions."""
    left = iter(mails)
    loop = asyncio.get_running_loop()
    begin = time.perf_counter()
    clients = []
    for _ in range(sessions):
        _, client = await loop.create_connection(
            lambda: ProxiedClient(script(left, rcpt)), "127.0.0.1", port
        )
        clients.append(client)
    await asyncio.gather(*(client.done for client in clients))
    return {"messages": len(mails), "seconds": time.perf_counter() - begin}


def main() -> None:
    """Read the command line, sign, send, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--key", type=Path, required=True, help="an RSA key in PEM")
    parser.add_argument("--rcpt", required=True)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--messages", type=int, default=100)
    parser.add_argument("--bytes", type=int, default=4_096)
    parser.add_argument("--first", type=int, help="each has a sender of its own, from this number")
    given = parser.parse_args()
    key = load_pem_private_key(given.key.read_bytes(), None)
    assert isinstance(key, RSAPrivateKey)
    now = int(time.time())
    if given.first is None:
        mails = [signed(given.bytes, 0, key, now)] * given.messages
    else:
        numbers = range(given.first, given.first + given.messages)
        mails = [signed(given.bytes, number, key, now) for number in numbers]
    print(json.dumps(uvloop.run(load(given.port, given.rcpt, given.sessions, mails))))


if __name__ == "__main__":
    main()
