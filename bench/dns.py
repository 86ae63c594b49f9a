"""MX look-ups with our resolver against dnspython's own: uncached against a name server on
loopback, and cached.

The name server is a few lines in a process of its own that answers every MX question with two
hosts.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import subprocess
import sys
from collections.abc import Iterator

from bench.table import Row, interleaved, print_table
from chalicelib.adapters.network.resolver import DnsResolver
from chalicelib.adapters.system.clock import SystemClock
from chalicelib.config import Settings

LOOKUPS = 200
LANES = 20


def serve() -> None:
    """Answer for ever: the header, the question as it came, and two MX records."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        print(sock.getsockname()[1], flush=True)
        while True:
            query, client = sock.recvfrom(4096)
            end = query.index(b"\0", 12) + 5
            records = b"".join(
                b"\xc0\x0c\0\x0f\0\1\0\0\1\x2c\0\x08\0"
                + bytes([10 * number, 3])
                + b"mx"
                + bytes([48 + number])
                + b"\xc0\x0c"
                for number in (1, 2)
            )
            head = query[:2] + b"\x85\x80\0\1\0\2\0\0\0\0"
            sock.sendto(head + query[12:end] + records, client)


@contextlib.contextmanager
def name_server() -> Iterator[int]:
    """The port of a running name server."""
    command = [sys.executable, "-c", "from bench.dns import serve; serve()"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


async def _lanes(ask: object, names: Iterator[str]) -> None:
    async def lane() -> None:
        for name in itertools.islice(names, LOOKUPS // LANES):
            assert len(await ask(name)) == 2  # type: ignore[operator]  # a coroutine function

    await asyncio.gather(*(lane() for _ in range(LANES)))


def ours(port: int, names: Iterator[str]) -> None:
    """LOOKUPS names that were never asked for."""
    resolver = DnsResolver(Settings(dns_server=f"127.0.0.1:{port}"), SystemClock(Settings()))
    asyncio.run(_lanes(resolver.mx, names))


def theirs(port: int, names: Iterator[str]) -> None:
    """The same with dnspython as its manual says."""
    import dns.asyncresolver

    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], port

    async def ask(name: str) -> list[tuple[int, str]]:
        answer = await resolver.resolve(name, "MX")
        return [(one.preference, one.exchange.to_text()) for one in answer]

    asyncio.run(_lanes(ask, names))


def cached(port: int) -> float:
    """Microseconds of one look-up that is in the cache."""
    resolver = DnsResolver(Settings(dns_server=f"127.0.0.1:{port}"), SystemClock(Settings()))
    names = [f"c{number}.bench.test" for number in range(100)]

    async def many() -> float:
        for name in names:
            await resolver.mx(name)

        async def again() -> None:
            for name in names:
                await resolver.mx(name)

        begin = asyncio.get_running_loop().time()
        for _ in range(100):
            await again()
        return (asyncio.get_running_loop().time() - begin) * 1e6 / 10_000

    return asyncio.run(many())


def run() -> list[Row]:
    """Uncached as a ratio to dnspython, cached in microseconds."""
    fresh = (f"d{number}.bench.test" for number in itertools.count())
    with name_server() as port:
        taken = interleaved(
            {"ours": lambda: ours(port, fresh), "dnspython": lambda: theirs(port, fresh)},
            seconds=0.2,
        )
        kept = min(cached(port) for _ in range(5))
    ratio = taken["ours"] / taken["dnspython"]
    each = 1e6 / LOOKUPS
    return [
        Row(
            "MX look-up, to dnspython",
            taken["ours"] * each,
            "µs CPU",
            ratio,
            "<= 0.25x",
            ratio <= 0.25,
        ),
        Row("MX look-up, dnspython", taken["dnspython"] * each, "µs CPU"),
        Row("MX look-up, cached", kept, "µs", None, "<= 5 µs", kept <= 5),
    ]


if __name__ == "__main__":
    print_table(run())
