"""What is in an installation when it is upgraded: mail in every state, and whatever somebody may hold of it.

`Facts` is what people and other machines have outside of the installation, and what has to be as they expect it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from chalicelib.adapters.scripted.egress import ReceivedMail
from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.adapters.scripted.time import ControlledClock, SeededRand
from chalicelib.adapters.scripted.world import scripted_parts
from chalicelib.bootstrap import Parts, Posthorn, run
from chalicelib.config import Settings
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.model import DeliveryJob, Message, Scope, State
from chalicelib.domain.people.roles import Role
from chalicelib.domain.reply import Reply
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.ports.clock import Clock
from chalicelib.ports.egress import TransactionResult
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.http_client import HttpClient
from chalicelib.ports.keys import KeyMaker
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.rand import Rand
from chalicelib.services.tenancy.authenticate import Authenticate
from tests.filled_site import NOT_BY_HAND
from tests.filled_tenant import FilledTenant
from tests.http_api import ApiWorld
from tests.incoming_play import address_route, arrives
from tests.people import a_person, made_member
from tests.tracking_scene import LINKS, TrackedMail, mac_key_of
from tests.upgrade.hands import Hands
from tests.webhook_stage import Receiver
from tests.worlds import KeptKeys, Scene, publish

MINUTE, DAY = 60, 86_400
LEASE = 300
EMAIL = "ada@acme.test"
HOOK = "https://hook.example/"
NAMES = ("example.com", "example.net", "example.org", "later.example")
# Of the way out that FilledTenant makes.
SMARTHOST = "smtp.example.com"
NEVER = TransactionResult(Reply(550, "5.1.1", "No such user"), "RCPT")
_UNSUBSCRIBE = re.compile(rb"List-Unsubscribe: <https://[^/>]+(/u/[A-Za-z0-9]+)>")
_TOKEN = re.compile(rb"X-Postal-MsgID: (\S+)")


@dataclass
class Facts:
    """`waiting` are tokens of messages that nobody has got yet; `told` are events that were listed already; `posted`
    is what webhooks have got."""

    now: float
    waiting: list[str]
    held: int
    scheduled: int
    api_key: str
    smtp_key: str
    management_key: str
    email: str
    visits: list[str]
    unsubscribe: str
    return_path: str
    told: list[str]
    posted: list[str]

    def as_json(self) -> dict[str, Any]:
        """As it is kept."""
        return asdict(self)


def a_program(settings: Settings, family: str, now: float, parts: Parts) -> Posthorn:
    """A program over stores of a family, in a scripted world at this time."""
    given: Parts = {Clock: ControlledClock(now), KeyMaker: KeptKeys(), HttpClient: Receiver()}
    program = Posthorn(settings, family, {**scripted_parts(live=False), **given, **parts})
    for name in NAMES:
        publish(program, name)
    program[ScriptedResolver].zone[SMARTHOST] = {"A": ["93.184.216.35"]}
    return program


def time_of(program: Posthorn) -> float:
    """What the clock of a program says."""
    return program[Clock].now()


def seeded() -> Rand:
    """The chance of the installation that is written."""
    return SeededRand(20)


def token_of(mail: ReceivedMail) -> str:
    """The token of the message that a receiver got."""
    found = _TOKEN.search(mail.content)
    assert found is not None
    return found[1].decode()


def tell(scene: Scene, hands: Hands) -> tuple[Facts, FilledTenant]:
    """Have all of it happen."""
    api = ApiWorld(scene)
    made = {"url": HOOK, "events": ["email.delivered", "email.held"]}
    reply = api.manage("POST", "/webhooks", made, scene.server.full_name)
    assert reply.status == 201, reply
    run(scene.posthorn[Authenticate].by_key(scene.smtp_key, frozenset((CredentialKind.SMTP,))))
    filled = FilledTenant(api, without=NOT_BY_HAND).fill()
    hands.work()
    done = _delivered(scene, hands)
    unsubscribe = _subscribed(api, hands)
    hands.tell()
    hands.post()
    person = run(a_person(scene.posthorn, email=EMAIL))
    run(made_member(scene.posthorn, person, scene.organization.id, Role.OWNER))
    visits = run(_tracked(scene, done))
    held = _sent(api, "held@example.com")
    at = f"/emails/{held}/hold"
    assert api.manage("POST", at, None, scene.server.full_name).status == 200
    hands.tell()
    scene.clock.advance(MINUTE)
    told = [one["id"] for one in events(api)]
    scheduled = int(filled.things["/emails/{id}"][0]["id"])
    _waits(scene, hands)
    hooked = scene.posthorn[HttpClient]
    assert isinstance(hooked, Receiver)
    facts = Facts(
        now=scene.clock.now(),
        waiting=sorted(_waiting_tokens(scene, scheduled)),
        held=held,
        scheduled=scheduled,
        api_key=scene.api_key,
        smtp_key=scene.smtp_key,
        management_key=api.installation_key,
        email=EMAIL,
        visits=visits,
        unsubscribe=unsubscribe,
        return_path=_return_path(scene),
        told=told,
        posted=posts(hooked),
    )
    return facts, filled


def _sent(api: ApiWorld, to: str, **more: Any) -> int:
    mail = {"from": "app@acme.test", "to": [to], "subject": f"For {to}", "text": "Hello"}
    reply = api.v2("POST", "/emails", mail | more)
    assert reply.status == 202, reply
    return int(reply.json["id"])


def _delivered(scene: Scene, hands: Hands) -> Message:
    """Mail that ended: taken, refused; the one that was taken."""
    scene.egress.always("@never.example", NEVER)
    publish(scene.posthorn, "never.example")
    (done,) = run(scene.accept("sent@example.com"))
    run(scene.accept("nobody@never.example"))
    hands.work()
    return done


def _subscribed(api: ApiWorld, hands: Hands) -> str:
    """The link by which somebody unsubscribes, out of a message that was sent."""
    _sent(api, "reader@example.net", stream="broadcast")
    hands.work()
    got = {one.envelope.rcpt_to: one for one in api.scene.egress.received}
    found = _UNSUBSCRIBE.search(got["reader@example.net"].content)
    assert found is not None, got
    return found[1].decode()


async def _tracked(scene: Scene, message: Message) -> list[str]:
    """Paths of an image and of a link in a message."""
    later = int(scene.clock.now()) + 30 * DAY
    await scene.posthorn[Engagement].keep_links(scene.server.id, message.id, LINKS, later)
    key = await mac_key_of(scene.posthorn)
    tracked = TrackedMail(scene.posthorn, scene.server, message.id, key)
    await tracked.visit(tracked.link(2))
    return [tracked.image, tracked.link(1)]


def events(api: ApiWorld) -> list[Any]:
    """All that are listed."""
    found: list[Any] = []
    at = "/events?limit=100"
    while True:
        page = api.v2("GET", at).json
        found += page["data"]
        if not page["has_more"]:
            return found
        at = f"/events?limit=100&cursor={page['next_cursor']}"


def posts(receiver: Receiver) -> list[str]:
    """What web servers were posted: where, and the id of the event."""
    return [f"{one.url.bare} {dict(one.headers)['webhook-id']}" for one in receiver.heard]


def _waits(scene: Scene, hands: Hands) -> None:
    """Mail that waits: for a next attempt, for the first, incoming mail too, and in the hands of a worker who died."""
    scene.egress.always("@later.example", TemporaryFailure("The receiver is away"))
    run(scene.accept("slow@later.example"))
    hands.work()
    route = run(address_route(scene))
    run(arrives(scene, route))
    (leased,) = run(scene.accept("leased@example.com"))
    now = int(scene.clock.now())
    claim = scene.posthorn[MessageStore].claim
    run(claim(DeliveryJob(leased, 0), "a worker who died", now, now + LEASE))
    run(scene.accept("new@example.com", "other@example.org"))


def _return_path(scene: Scene) -> str:
    """Where bounces of the message that was taken come back to."""
    sent = (one.envelope for one in scene.egress.received)
    return next(one.mail_from for one in sent if one.rcpt_to == "sent@example.com")


def _waiting_tokens(scene: Scene, scheduled: int) -> Iterator[str]:
    for record in run(all_records(scene)):
        if record.state in (State.WAITING, State.LEASED) and record.message.id != scheduled:
            yield record.message.token


async def all_records(scene: Scene) -> list[Any]:
    store, server = scene.posthorn[MessageStore], scene.server.id
    found: list[Any] = []
    for scope in Scope:
        page = await store.page(server, scope, 500)
        assert page.next_cursor is None
        found += page.values
    return found
