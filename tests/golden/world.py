"""A tenant as Postal's was at the recording: its names, keys and receivers, and the messages that were asked about.

Numbers and tokens are ours; `numbers` says which message of ours stands for a recorded one, and `translated` puts our
tokens into a recorded address.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chalicelib import bootstrap
from chalicelib.adapters.scripted.egress import ReceivedMail
from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.config import Settings
from chalicelib.domain.errors import NotFound
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.reply import Reply as SmtpReply
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.ports.egress import TransactionResult
from chalicelib.ports.engagement import Engagement
from chalicelib.services.tenancy.credentials import CredentialOptions, Credentials
from chalicelib.services.tracking.domains import TrackDomains, TrackOptions
from functions.tracking import tracking
from infra.local.exchange import Request, Response
from infra.local.function_url import event_of, response_of
from infra.local.invocation import Context
from tests.golden.recordings import ApiCall, Visit, tracked_message, visits
from tests.http_api import ApiWorld, Reply, api_world
from tests.tracking_scene import TrackedMail, mac_key_of
from tests.worlds import Scene, make_scene

HOST = "postal.example.com"
SMTP_KEY = "dZBPhhbKrEZSiOwSNahnzxYO"
SETTINGS = Settings(
    web_hostname=HOST,
    smtp_hostname=HOST,
    return_path_domain=f"rp.{HOST}",
    route_domain=f"routes.{HOST}",
    track_domain=f"track.{HOST}",
)
ACCEPTED = TransactionResult(SmtpReply(250, "", "OK"), ".")
SOFT = TransactionResult(SmtpReply(451, "4.3.0", "Try again later"), "RCPT")
HARD = TransactionResult(SmtpReply(550, "5.1.1", "No such user here"), "RCPT")

RECORDED_SERVER, RECORDED_IMAGE = "ehdexf", "Hiv3AHdJniF7Cp5G"
READER, READER_AGENT = "203.0.113.9", "Mozilla/5.0 (test)"

SENT, OPENED, DELAYED, REFUSED, REFUSED_AGAIN, HELD = 35, 93, 94, 95, 96, 97
"""The numbers that the messages of the recording had."""


async def golden_scene(settings: Settings = SETTINGS) -> Scene:
    """acme/golden, with golden.example, click.golden.example and the recorded SMTP key; no receiver offers TLS."""
    scene = await make_scene(settings, named="Golden", domain="golden.example")
    posthorn = scene.posthorn
    await posthorn[Credentials].import_key(
        scene.server, CredentialKind.SMTP, "recorded", SMTP_KEY, CredentialOptions(cram=True)
    )
    zone = scene.posthorn[ScriptedResolver].zone
    zone["click.golden.example"] = {"CNAME": [SETTINGS.track_domain]}
    zone["dest.example"] = {"MX": [(10, "sink.example")]}
    zone["sink.example"] = {"A": ["93.184.216.34"]}
    domains = posthorn[TrackDomains]
    options = TrackOptions(ssl_enabled=False)
    await domains.check(await domains.add(scene.server, "click", "golden.example", options))
    scene.egress.tls = None
    scene.egress.always("@dest.example", ACCEPTED)
    scene.egress.always("soft@dest.example", SOFT)
    scene.egress.always("hard@dest.example", HARD)
    return scene


@dataclass
class GoldenWorld:
    """The tenant behind its HTTP edges."""

    api: ApiWorld
    numbers: dict[int, int] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def scene(self) -> Scene:
        """The tenant."""
        return self.api.scene

    def play(self, call: ApiCall) -> Reply:
        """Send a recorded call, as it is but for the key and the numbers of messages."""
        key = self.scene.api_key if call.key == "valid" else call.key
        headers = {"content-type": call.content_type}
        if key is not None:
            headers["x-server-api-key"] = key
        body = call.body
        if isinstance(body, dict):
            body = json.dumps(self._in_our_numbers(body))
        reply = self.api.call(call.method, f"/api/v1/{call.action}", body.encode(), headers)
        self._learn(call, reply)
        return reply

    def deliver(self) -> None:
        """Deliver what waits for nothing."""
        bootstrap.run(self.scene.deliver_ready())

    def tell_the_story(self) -> None:
        """Send the messages whose fates were recorded, deliver them, and follow the links of the first."""
        self.send(OPENED, "open@dest.example", **tracked_message().submitted)
        self.send(DELAYED, "soft@dest.example", plain_body="text\n")
        self.deliver()
        self.learn_tokens()
        for visit in visits():
            self.visit(visit)
        bootstrap.run(self.scene.play(400, step=10))
        for number in (REFUSED, REFUSED_AGAIN, HELD):
            self.send(number, "hard@dest.example", plain_body="text\n")
            self.deliver()

    def send(self, number: int, to: str, **parameters: Any) -> None:
        """Send the message that had this number at the recording."""
        envelope = {"to": [to], "from": "hello@golden.example", "subject": "Subject"}
        answer = self.api.v1("send/message", {**envelope, **parameters})
        self.numbers[number] = answer["data"]["messages"][to]["id"]

    def received(self, to: str) -> ReceivedMail:
        """What the receiving server got for a recipient first."""
        return next(mail for mail in self.scene.egress.received if mail.envelope.rcpt_to == to)

    def tracked(self) -> TrackedMail:
        """The tracked message."""
        mac_key = bootstrap.run(mac_key_of(self.scene.posthorn))
        message = MessageId(self.numbers[OPENED])
        return TrackedMail(self.scene.posthorn, self.scene.server, message, mac_key)

    def learn_tokens(self) -> None:
        """Our token for each recorded one: the server's, the image's, those of links to the same place."""
        mail = self.tracked()
        places = self.places()
        self.tokens = {RECORDED_SERVER: self.scene.server.token, RECORDED_IMAGE: mail.token(0)}
        for visit in visits():
            if place := visit.headers.get("location"):
                recorded = visit.url.rpartition("/")[2]
                self.tokens[recorded] = mail.token(places.index(place) + 1)

    def places(self) -> list[str]:
        """Where the links of the tracked message lead, in order."""
        engagement, found = self.scene.posthorn[Engagement], list[str]()
        with contextlib.suppress(NotFound):
            while True:
                link = engagement.link(
                    self.scene.server.id, MessageId(self.numbers[OPENED]), len(found) + 1
                )
                found.append(bootstrap.run(link))
        return found

    def visit(self, visit: Visit) -> Response:
        """Ask the tracking function what was asked at the recording, with our tokens."""
        path, _, query = visit.url.removeprefix("http://click.golden.example").partition("?")
        path = "/".join(self.tokens.get(word, word) for word in path.split("/"))
        agent, source = ("", "127.0.0.1") if visit.method == "HEAD" else (READER_AGENT, READER)
        headers = {"user-agent": agent} if agent else {}
        request = Request(visit.method, f"{path}?{query}" if query else path, headers, b"")
        return response_of(tracking(event_of(request, 0.0, source), Context("tracking")))

    def _in_our_numbers(self, body: dict[str, Any]) -> dict[str, Any]:
        if "id" not in body:
            return body
        return {**body, "id": self.numbers.get(body["id"], body["id"])}

    def _learn(self, call: ApiCall, reply: Reply) -> None:
        if not call.action.startswith("send/") or not isinstance(call.answer, dict):
            return
        ours = reply.json["data"].get("messages", {})
        for address, made in call.answer["data"].get("messages", {}).items():
            if address in ours:
                self.numbers[made["id"]] = ours[address]["id"]


@contextlib.contextmanager
def golden_world(settings: Settings = SETTINGS) -> Iterator[GoldenWorld]:
    """The tenant, while the block runs."""
    with api_world(scene=bootstrap.run(golden_scene(settings))) as api:
        yield GoldenWorld(api)
