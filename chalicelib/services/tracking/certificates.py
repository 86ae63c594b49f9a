"""Whether https works at a host: one request to it, as a browser makes it, and when the certificate there ends."""

from __future__ import annotations

from chalicelib.domain.http_exchange import BadCertificate, HttpAnswer, HttpRequest, NoAnswer
from chalicelib.domain.http_url import read_url
from chalicelib.domain.https_seen import HttpsSeen
from chalicelib.ports.http_client import HttpClient
from chalicelib.services.tracking.answer import GREETING

SECONDS = 5.0
HTTPS_PORT = 443
NOT_OURS = "Another service answers at this name."
_FAULTS = {
    NoAnswer.TIMED_OUT: "It did not answer within 5 seconds.",
    NoAnswer.BLOCKED: "It leads to an address that is closed to requests of ours.",
}
_BAD = {
    BadCertificate.ENDED: "Its certificate has ended.",
    BadCertificate.NOT_YET: "Its certificate is not valid yet.",
    BadCertificate.WRONG_NAME: "Its certificate is for other names.",
    BadCertificate.SELF_SIGNED: "Its certificate is self-signed: nobody else vouches for it.",
    BadCertificate.UNKNOWN: "Its certificate is of an authority that is not known, or those between are left out.",
}
_UNREACHED = {NoAnswer.TIMED_OUT, NoAnswer.NOT_CONNECTED, NoAnswer.BLOCKED}


class LookAtCertificate:
    """Asks a host."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    async def of_track_domain(self, host: str) -> HttpsSeen:
        """A name of a customer, who may let it lead anywhere."""
        return await self._seen(host, is_own=False)

    async def of_own_name(self, host: str) -> HttpsSeen:
        """A name of this installation, at which pages may answer in any way."""
        return await self._seen(host, is_own=True)

    async def _seen(self, host: str, *, is_own: bool) -> HttpsSeen:
        port = "" if HTTPS_PORT == 443 else f":{HTTPS_PORT}"
        url = read_url(f"https://{host}{port}/")
        if url is None:
            return HttpsSeen("It is no name of a host.", is_reached=False)
        request = HttpRequest(url, (), b"", SECONDS, "GET", may_be_private=is_own)
        answer = await self._http.send(request)
        is_reached = answer.code not in _UNREACHED
        return HttpsSeen(_fault(answer, is_own), answer.certificate_ends_at, is_reached)


def _fault(answer: HttpAnswer, is_own: bool) -> str:
    if answer.bad_certificate is not None:
        return f"{_BAD[answer.bad_certificate]} ({answer.text[:200]})"
    if answer.code == NoAnswer.NO_TLS:
        return f"It has no certificate that browsers take: {answer.text[:200]}"
    if answer.code == NoAnswer.NOT_CONNECTED:
        return f"Nobody answers there: {answer.text[:200]}"
    if answer.code < 0:
        return _FAULTS[NoAnswer(answer.code)]
    return "" if is_own or (answer.code == 200 and answer.body == GREETING) else NOT_OURS
