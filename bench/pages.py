"""Pages of the dashboard against `/health`: the time to the first byte of all of them, of a few, and of the slowest.

A program in memory with a few of everything is served by the one-host server over loopback; `/health` is what the port
for it says. Each round asks for every page once, with `/health` in between; a page's time is the median of its rounds.
"""

from __future__ import annotations

import http.client
import statistics
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping

from bench.table import Row
from onehost.web.application import Web
from onehost.web.health import HealthPort
from tests.filled_site import filled_program
from tests.web_client import serving_web

MOST_TIMES = 10.0
HEALTH = "/health"
SERVER = "/org/{org}/servers/{server}"
NAMED = {
    "overview": SERVER,
    "messages": f"{SERVER}/messages/outgoing",
    "a message": f"{SERVER}/messages/{{id}}",
    "queue": f"{SERVER}/queue",
    "domains": f"{SERVER}/domains",
    "audit": f"{SERVER}/audit",
}


def run(rounds: int = 9) -> list[Row]:
    """The rows."""
    with (
        filled_program() as (scene, boss, pages),
        serving_web(Web(scene.posthorn)) as port,
        serving_web(HealthPort(scene.posthorn)) as health_port,
    ):
        cookie = "; ".join(f"{name}={value}" for name, value in boss.cookies.items())
        web = http.client.HTTPConnection("127.0.0.1", port)
        health = http.client.HTTPConnection("127.0.0.1", health_port)
        taken: defaultdict[str, list[float]] = defaultdict(list)
        for _ in range(rounds + 1):  # the first one loads templates, and does not count
            for pattern, address in pages.items():
                taken[HEALTH].append(_first_byte(health, HEALTH, {}))
                headers = {"Cookie": cookie, "Accept": "text/html", "Host": f"localhost:{port}"}
                taken[pattern].append(_first_byte(web, address, headers))
        web.close()
        health.close()
    return list(_rows({name: statistics.median(times[1:]) for name, times in taken.items()}))


def _first_byte(
    connection: http.client.HTTPConnection, path: str, headers: Mapping[str, str]
) -> float:
    """Seconds until the head of the answer is there."""
    begin = time.perf_counter()
    connection.request("GET", path, headers=dict(headers))
    answer = connection.getresponse()
    seconds = time.perf_counter() - begin
    answer.read()
    if answer.status >= 400:
        raise RuntimeError(f"{path} answered {answer.status}")
    return seconds


def _rows(medians: Mapping[str, float]) -> Iterable[Row]:
    health = medians[HEALTH]
    yield Row(HEALTH, health * 1e3, "ms")
    pages = {name: seconds for name, seconds in medians.items() if name != HEALTH}
    middle = statistics.median(pages.values())
    ratio, target = middle / health, f"<= {MOST_TIMES:g}x {HEALTH}"
    name = f"{len(pages)} pages, the median"
    yield Row(name, middle * 1e3, "ms", ratio, target, ratio <= MOST_TIMES)
    slowest = max(pages, key=lambda one: pages[one])
    for name, pattern in (*NAMED.items(), (f"the slowest, {slowest}", slowest)):
        yield Row(name, pages[pattern] * 1e3, "ms", pages[pattern] / health)
