"""Clients that send without pause, over SMTP and HTTP, and keep account of what was answered.

    with Load(machine, user, smtp_key, api_key) as load:
        load.until_accepted(20)   # of each kind
        …
    assert load.faults == []
    peer has each of load.accepted

`accepted` has the subjects of messages for which there was a 250 or a 2xx. One kind of client connects anew for each
message, another keeps its connection, a third takes its time in the middle of the content. SMTP and HTTPS come from
outside, where Caddy is in front, HTTP from the machine itself. Nobody may be refused a connection or lose one without
an answer: SMTP may say 421 between messages, which are then sent again, and a kept HTTP connection may end between
requests, whose next one is repeated under its idempotency key.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import smtplib
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Self

from tests.patience import PATIENCE
from tests.vps.machine import ADDRESS, Machine

SENDER, RECIPIENT = "load@example.com", "you@example.net"
HOSTNAME = "mail.example.com"
SLOW_SECONDS = 2.0
PAUSE_SECONDS = 0.2  # leaves the machine some time to install
TOO_MANY = 429  # of one client address in a second
GOING_AWAY = 421
SMTP_PORT, TLS_PORT, HTTP_PORT = 587, 465, 8000
Take = Callable[[str], None]


class Load:
    """The clients, from `with` to its end."""

    def __init__(self, machine: Machine, user: str, smtp_key: str, api_key: str) -> None:
        self.accepted: list[str] = []
        self.faults: list[str] = []
        self.turned_away = 0
        self.longest_wait = 0.0
        self._user, self._smtp_key, self._api_key = user, smtp_key, api_key
        self._kinds = {
            "smtp-anew": self._smtp_anew,
            "smtp-kept": self._smtp_kept,
            "smtp-slow": self._smtp_slow,
            "http-anew": self._http_anew,
            "http-kept": self._http_kept,
            "https-anew": self._https_anew,
        }
        self._machine = machine
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=(kind,), name=kind) for kind in self._kinds
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)

    def until_accepted(self, count: int) -> None:
        """Until so many more messages of each kind were accepted."""
        wanted = {kind: many + count for kind, many in self._counts().items()}
        deadline = time.monotonic() + PATIENCE
        while any(self._counts()[kind] < many for kind, many in wanted.items()):
            assert not self.faults, self.faults
            assert time.monotonic() < deadline, self._counts()
            time.sleep(0.05)

    def _counts(self) -> dict[str, int]:
        counted = Counter(name.rpartition("-")[0] for name in list(self.accepted))
        return {kind: counted[kind] for kind in self._kinds}

    def _work(self, kind: str) -> None:
        there = self._machine.inside if kind.startswith("http-") else self._machine.outside
        try:
            with there():
                self._kinds[kind](self._names(kind))
        except Exception as fault:  # the test reads it
            self.faults.append(f"{kind}: {fault!r}")

    def _names(self, kind: str) -> Iterator[str]:
        """A name for each message; what was the last is accepted when the next is asked for."""
        number = 0
        while not self._stop.is_set():
            start = time.monotonic()
            yield f"{kind}-{number}"
            self.longest_wait = max(self.longest_wait, time.monotonic() - start)
            self.accepted.append(f"{kind}-{number}")
            number += 1
            time.sleep(PAUSE_SECONDS)

    def _smtp_anew(self, names: Iterator[str]) -> None:
        for name in names:
            while not self._submitted(self._smtp, name):
                pass

    def _smtp_kept(self, names: Iterator[str]) -> None:
        client: smtplib.SMTP | None = None

        def kept() -> smtplib.SMTP:
            nonlocal client
            if client is None or client.sock is None:
                client = self._smtp_tls()
            return client

        for name in names:
            while not self._submitted(kept, name, keep=True):
                client = None
        if client is not None:
            client.close()

    def _smtp_slow(self, names: Iterator[str]) -> None:
        for name in names:
            while not (client := self._with_transaction()):
                pass
            assert client.docmd("DATA")[0] == 354
            client.send(f"From: {SENDER}\r\nTo: {RECIPIENT}\r\nSubject: {name}\r\n")
            time.sleep(SLOW_SECONDS)
            client.send("\r\nHi\r\n.\r\n")
            assert client.getreply()[0] == 250
            client.close()

    def _with_transaction(self) -> smtplib.SMTP | None:
        """A client whose recipient was taken, so that it is not sent away; None when that was said before."""
        try:
            client = self._smtp()
            client.ehlo_or_helo_if_needed()
            client.mail(SENDER)
            client.rcpt(RECIPIENT)
        except smtplib.SMTPResponseException as said:
            self._note_going_away(said)
            return None
        return client

    def _submitted(
        self, connect: Callable[[], smtplib.SMTP], name: str, *, keep: bool = False
    ) -> bool:
        """Whether it was accepted; False when the server said 421."""
        content = f"From: {SENDER}\r\nTo: {RECIPIENT}\r\nSubject: {name}\r\n\r\nHi\r\n"
        try:
            client = connect()
            client.sendmail(SENDER, [RECIPIENT], content)
            if not keep:
                client.close()
        except smtplib.SMTPResponseException as said:
            self._note_going_away(said)
            return False
        return True

    def _note_going_away(self, said: smtplib.SMTPResponseException) -> None:
        if said.smtp_code != GOING_AWAY:
            raise said
        self.turned_away += 1

    def _smtp(self) -> smtplib.SMTP:
        client = _Client(ADDRESS, SMTP_PORT, "client.test", timeout=PATIENCE)
        client.starttls(context=trusting())
        client.login(self._user, self._smtp_key)
        return client

    def _smtp_tls(self) -> smtplib.SMTP:
        client = _TlsClient(ADDRESS, TLS_PORT, "client.test", timeout=PATIENCE, context=trusting())
        client.login(self._user, self._smtp_key)
        return client

    def _http_anew(self, names: Iterator[str]) -> None:
        for name in names:
            with contextlib.closing(http_client()) as client:
                self._post(client, name)

    def _https_anew(self, names: Iterator[str]) -> None:
        for name in names:
            with contextlib.closing(_https_client()) as client:
                self._post(client, name)

    def _http_kept(self, names: Iterator[str]) -> None:
        client = http_client()
        for name in names:
            try:
                self._post(client, name)
            except ConnectionError:
                self.turned_away += 1
                client.close()
                client = http_client()
                self._post(client, name)
        client.close()

    def _post(self, client: http.client.HTTPConnection, name: str) -> None:
        while (answer := post(client, self._api_key, name))[0] == TOO_MANY:
            time.sleep(1)
        assert answer[0] == 202, answer


class _Client(smtplib.SMTP):
    """A client that hears 421 wherever it comes; the usual one would greet once more."""

    def getreply(self) -> tuple[int, bytes]:
        code, text = super().getreply()
        if code == GOING_AWAY:
            self.close()
            raise smtplib.SMTPResponseException(code, text)
        return code, text


class _TlsClient(smtplib.SMTP_SSL, _Client):
    """The same with TLS from the first byte."""


def post(client: http.client.HTTPConnection, api_key: str, subject: str) -> tuple[int, bytes]:
    """Order one message; status and body of the answer."""
    order = {"from": SENDER, "to": [RECIPIENT], "subject": subject, "text": "Hi"}
    headers = {
        "Authorization": f"Bearer {api_key}",
        "Content-Type": "application/json",
        "Idempotency-Key": subject,
    }
    client.request("POST", "/api/v2/emails", json.dumps(order), headers)
    answer = client.getresponse()
    return answer.status, answer.read()


def http_client() -> http.client.HTTPConnection:
    """A client of the API, on the machine's network."""
    return http.client.HTTPConnection("127.0.0.1", HTTP_PORT, timeout=PATIENCE)


def _https_client() -> http.client.HTTPConnection:
    """A client of the API through the web server in front."""
    client = http.client.HTTPSConnection(HOSTNAME, timeout=PATIENCE)
    plain = socket.create_connection((ADDRESS, 443), PATIENCE)
    client.sock = trusting().wrap_socket(plain, server_hostname=HOSTNAME)
    return client


def trusting() -> ssl.SSLContext:
    """Whose certificate it is does not matter here."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
