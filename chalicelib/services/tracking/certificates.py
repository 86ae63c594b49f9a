"""Whether links with https work at a track domain: one request to it, as the browser of a recipient makes it."""

from __future__ import annotations

from chalicelib.domain.http_exchange import HttpAnswer, HttpRequest, NoAnswer
from chalicelib.domain.http_url import read_url
from chalicelib.ports.http_client import HttpClient
from chalicelib.services.tracking.answer import GREETING

SECONDS = 5.0
NOT_OURS = "Another service answers at this name."
_FAULTS = {
    NoAnswer.TIMED_OUT: "It did not answer within 5 seconds.",
    NoAnswer.BLOCKED: "It leads to an address that is closed to requests of ours.",
}


class LookAtCertificate:
    """Asks a host."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    async def fault(self, host: str) -> str:
        """What is wrong with https at a host, in a sentence; empty where nothing is."""
        url = read_url(f"https://{host}/")
        if url is None:
            return "It is no name of a host."
        answer = await self._http.send(HttpRequest(url, (), b"", SECONDS, "GET"))
        return _fault(answer)


def _fault(answer: HttpAnswer) -> str:
    if answer.code == NoAnswer.NO_TLS:
        return f"It has no certificate that browsers take: {answer.text[:200]}"
    if answer.code == NoAnswer.NOT_CONNECTED:
        return f"Nobody answers there: {answer.text[:200]}"
    if answer.code < 0:
        return _FAULTS[NoAnswer(answer.code)]
    return "" if answer.code == 200 and answer.body == GREETING else NOT_OURS
