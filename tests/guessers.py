"""Clients that do not prove who they are, at each door of a server of one host, and what they try to forge with it.

A client's address is chosen: one of 127.0.0.0/8, or what a proxy of ours says of it.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import re
import smtplib
import socket
from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

from tests.gateway_scene import trusting_context
from tests.patience import PATIENCE

VICTIM = "203.0.113.99"
# What would be a line of the log, or the end of one, if anything that a client says were written as it is.
FORGED = (
    f'x", "client": "{VICTIM}"}}\r\n{{"time": 1800000000.0, "unit": "posthorn.sign_in", "level": "warning",'
    f' "text": "sign-in failed", "door": "api", "client": "{VICTIM}"}}\n'
    f'{{"time":1800000000.0,"event":"auth_failed","level":"warning","client":"{VICTIM}","trace":"ABCDEFGH"}}\n'
)


class _Proxied(smtplib.SMTP):
    """A client that says a line before it is greeted."""

    first = b""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # type: ignore[override]  # its own
        found = socket.create_connection((host, port), timeout, self.source_address)
        found.sendall(self.first)
        return found


class Guesser:
    """Guesses at the ports of a server from `address`; as a proxy, on behalf of `client`."""

    def __init__(self, smtp: int, http: int, address: str, client: str = "") -> None:
        self._smtp = smtp
        self._http = http
        self._address = address
        self._client = client

    @contextlib.contextmanager
    def session(self, *, proxied: bool) -> Iterator[smtplib.SMTP]:
        """An SMTP session with TLS; `proxied` with a PROXY header in front."""
        client = _Proxied(local_hostname="guesser.test", timeout=PATIENCE)
        client.source_address = (self._address, 0)
        if proxied:
            client.first = f"PROXY TCP4 {self._client} 127.0.0.1 1024 25\r\n".encode()
        client._host = "mail.acme-host.test"  # what TLS asks for; `connect` leaves it empty
        client.connect("127.0.0.1", self._smtp)
        with client:
            client.starttls(context=trusting_context())
            client.ehlo()
            yield client

    def smtp(self, *, proxied: bool = False, name: str = FORGED) -> None:
        """AUTH with a name that would forge lines, and a key that is none."""
        with self.session(proxied=proxied) as client:
            proof = base64.b64encode(f"\0{name}\0{FORGED}".encode()).decode()
            assert client.docmd("AUTH", f"PLAIN {proof}")[0] == 535

    def v1(self) -> None:
        """A key of the first API."""
        fields = {"x-server-api-key": FORGED.replace("\r\n", " ").replace("\n", " ").strip()}
        status, answer = self.ask("POST", "/api/v1/send/message", b"{}", fields)
        assert (status, json.loads(answer)["data"]["code"]) == (200, "InvalidServerAPIKey")

    def v2(self) -> None:
        """A management key of the second."""
        fields = {"authorization": "Bearer phm_" + "0" * 40}
        assert self.ask("GET", "/api/v2/organizations", b"", fields)[0] == 401

    def page(self) -> None:
        """The form of a sign-in, as a browser sends it."""
        status, page, cookie = self._exchanged("GET", "/login", b"", {})
        found = re.search(r'type="hidden" name="([a-z_]+)" value="([^"]+)"', page.decode())
        assert status == 200
        assert found is not None, page.decode()
        fields = {
            "cookie": cookie.partition(";")[0],
            "content-type": "application/x-www-form-urlencoded",
            "sec-fetch-site": "same-origin",
            "user-agent": "x" + VICTIM,
        }
        form = {found[1]: found[2], "email": FORGED + "@acme.test", "password": FORGED}
        answer = self.ask("POST", "/login", urlencode(form).encode(), fields)
        assert answer[0] in (401, 422), answer

    def session_of_the_api(self) -> None:
        """The same by the API."""
        body = json.dumps({"email": f"{FORGED}@acme.test", "password": FORGED}).encode()
        fields = {"content-type": "application/json"}
        assert self.ask("POST", "/api/v2/sessions", body, fields)[0] == 401

    def ask(
        self, method: str, target: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        """Status and body of an answer."""
        return self._exchanged(method, target, body, headers)[:2]

    def _exchanged(
        self, method: str, target: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, bytes, str]:
        client = http.client.HTTPConnection(
            "127.0.0.1", self._http, timeout=PATIENCE, source_address=(self._address, 0)
        )
        with contextlib.closing(client):
            said = {"x-forwarded-for": self._client} if self._client else {}
            client.request(method, target, body, {**said, **headers})
            answer = client.getresponse()
            return answer.status, answer.read(), answer.getheader("set-cookie") or ""
