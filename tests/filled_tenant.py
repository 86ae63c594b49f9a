"""A tenant that has of everything that a path names, for tests that go through every route of API v2.

What a route needs is found by the part of its path that names a thing, so that a new route below a known thing needs
nothing here, and one below a new thing fails in `FilledTenant.named` until `MAKERS` has it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from chalicelib import bootstrap
from chalicelib.api.v2.route import PREFIX, Route
from chalicelib.domain.ids import key_digest
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.people.invitations import INVITATIONS
from chalicelib.domain.people.passkeys import PASSKEYS, Passkey
from chalicelib.domain.people.tickets import TicketPurpose
from chalicelib.domain.rates import TEST
from chalicelib.domain.suppression import Suppression
from chalicelib.ports.acting import acting
from chalicelib.ports.clock import Clock
from chalicelib.ports.reports import Reports
from chalicelib.ports.repository import Repository
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from chalicelib.services.people.sessions import Sessions
from chalicelib.services.people.tickets import Tickets
from chalicelib.services.webhooks.webhooks import Webhooks
from tests.contract.nouns import an_invitation
from tests.fakes import a_report
from tests.http_api import ApiWorld, Reply
from tests.listed import list_new
from tests.managed_routes import managed
from tests.people import HERE, PASSWORD, a_person
from tests.webhook_events import a_delivery

Names = dict[str, str]
GOOD_EMAIL = {"from": "app@acme.test", "to": "x@example.com", "subject": "kept", "text": "Hello"}
BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/emails"): GOOD_EMAIL,
    ("POST", "/emails/batch"): [GOOD_EMAIL],
    ("PATCH", "/emails/{id}"): {"scheduled_at": None},
    ("POST", "/uploads"): {"size": 5},
    ("POST", "/track-domains"): {"domain": "d#.example"},
    ("POST", "/jobs"): {"type": "export", "what": "suppressions", "dry_run": True},
    ("POST", "/sessions"): {"email": "person0@people.test", "password": PASSWORD},
    ("POST", "/members"): {"email": "person#@people.test", "role": "viewer"},
    ("POST", "/password-resets"): {"email": "nobody#@people.test"},
    ("PUT", "/password-resets/{token}"): {"password": PASSWORD},
    ("PUT", "/email-changes/{token}"): {},
    ("POST", "/routes"): {"name": "*", "domain": "d#.example", "mode": "Hold"},
}
QUERIES = {
    ("DELETE", "/organizations/{organization}"): {"confirm": "{organization}"},
    ("DELETE", "/servers/{organization}/{server}"): {"confirm": "{server}"},
}


def _made(path: str, value: Any, *, name: str = "id", tenant: bool = True) -> Any:
    """A maker of things by POST; their names in paths are this field of the answer."""

    def make(api: ApiWorld, number: int) -> Names:
        counted = {key: _counted(one, number) for key, one in value.items()}
        reply = api.manage("POST", path, counted, api.scene.server.full_name if tenant else "")
        assert reply.status in (201, 202), (path, reply)
        return {name: str(reply.json[name])}

    return make


def _counted(value: Any, number: int) -> Any:
    if isinstance(value, list):
        return [_counted(one, number) for one in value]
    return value.replace("#", str(number)) if isinstance(value, str) else value


def _organization(api: ApiWorld, number: int) -> Names:
    if number == 0:
        return {"organization": api.scene.organization.permalink}
    reply = api.manage("POST", "/organizations", {"name": f"Further {number}"})
    return {"organization": reply.json["permalink"]}


def _server(api: ApiWorld, number: int) -> Names:
    organization = api.scene.organization.permalink
    if number == 0:
        return {"organization": organization, "server": api.scene.server.permalink}
    made = {"organization": organization, "name": f"Further {number}"}
    reply = api.manage("POST", "/servers", made)
    return {"organization": organization, "server": reply.json["permalink"]}


def _domain(api: ApiWorld, number: int) -> Names:
    return {"name": _trusted(api, f"d{number}.example")}


def _track_domain(api: ApiWorld, number: int) -> Names:
    made = {"domain": _trusted(api, f"t{number}.example")}
    reply = api.manage("POST", "/track-domains", made, api.scene.server.full_name)
    return {"name": reply.json["name"]}


def _trusted(api: ApiWorld, name: str) -> str:
    made = {"name": name, "verification_method": "Email"}
    for path, value in (("/domains", made), (f"/domains/{name}/trust", None)):
        reply = api.manage("POST", path, value, api.scene.server.full_name)
        assert reply.status in (200, 201), reply
    return name


def _route(api: ApiWorld, number: int) -> Names:
    made = {"name": "*", "domain": _trusted(api, f"r{number}.example"), "mode": "Hold"}
    reply = api.manage("POST", "/routes", made, api.scene.server.full_name)
    return {"id": reply.json["id"]}


def _pool(api: ApiWorld, number: int) -> Names:
    """A pool comes with its first way out."""
    way = {"name": f"w{number}", "kind": "smarthost", "host": "smtp.example.com"}
    reply = api.manage("POST", "/sources", way | {"pool": f"apart-{number}"})
    return {"name": reply.json["pool"]}


def _email_to(verb: str) -> Any:
    """A maker of messages that this verb is allowed for."""
    make = _made("/emails", GOOD_EMAIL)
    first = {"release": "hold", "resend": "cancel"}.get(verb)

    def made(api: ApiWorld, number: int) -> Names:
        names: Names = make(api, number)
        if first is not None:
            at, tenant = f"/emails/{names['id']}/{first}", api.scene.server.full_name
            assert api.manage("POST", at, None, tenant).status == 200
        return names

    return made


def _scheduled(api: ApiWorld, number: int) -> Names:
    """A message that waits for its time, and can be given another."""
    at = datetime.fromtimestamp(api.scene.clock.now() + 2_000_000, UTC).isoformat()
    made: Names = _made("/emails", {**GOOD_EMAIL, "scheduled_at": at})(api, number)
    return made


def _attached(api: ApiWorld, number: int) -> Names:
    made = _made("/emails", {**GOOD_EMAIL, "attachments": [{"filename": "a", "content": "eA=="}]})
    names: Names = made(api, number)
    return {**names, "index": "0"}


def _incoming(api: ApiWorld, number: int) -> Names:
    """A message that came in."""
    at, tenant = f"/routes/{_route(api, 100 + number)['id']}", api.scene.server.full_name
    if number % TEST.quota == TEST.quota - 1:
        api.scene.clock.advance(TEST.seconds)
    reply = api.manage("POST", f"{at}/simulate", {"from": "joe@example.com"}, tenant)
    assert reply.status == 202, reply
    return {"id": str(reply.json["id"])}


def _delivered(api: ApiWorld, number: int) -> Names:
    """A message that was delivered, so that something was said."""
    names: Names = _made("/emails", GOOD_EMAIL)(api, number)
    bootstrap.run(api.scene.deliver_ready())
    at, tenant = f"/emails/{names['id']}/deliveries", api.scene.server.full_name
    (delivery,) = api.manage("GET", at, None, tenant).json["data"]
    return {**names, "delivery": str(delivery["id"])}


def _report(api: ApiWorld, number: int) -> Names:
    """A report on a message: nobody makes one by the API."""
    email = MessageId(int(_made("/emails", GOOD_EMAIL)(api, number)["id"]))
    server, reports = api.scene.server.id, api.scene.posthorn[Reports]
    stored = bootstrap.run(reports.add(server, a_report(1_000 + number, email, email)))
    return {"id": str(stored.id)}


def _webhook_delivery(api: ApiWorld, number: int) -> Names:
    """What a webhook gets: nobody makes one by the API. Ten share a webhook, of which a server has a limited number."""
    url, server, program = f"https://d{number // 10}.example/", api.scene.server, api.scene.posthorn
    webhooks = {one.url: one.id for one in bootstrap.run(program[Webhooks].of(server))}
    if url not in webhooks:
        reply = api.manage("POST", "/webhooks", {"url": url}, server.full_name)
        webhooks[url] = reply.json["id"]
    one = a_delivery(server.id, number, webhook=webhooks[url])
    bootstrap.run(program[WebhookDeliveries].add([one]))
    return {"id": one.id}


def _suppressed(api: ApiWorld, number: int) -> Names:
    """A recipient who is suppressed."""
    address, now = f"suppressed{number}@example.com", api.scene.posthorn[Clock].now()
    entry = Suppression(address, "bounced", now, int(now) + 1_000_000)
    bootstrap.run(list_new(api.scene.posthorn[SuppressionList], api.scene.server.id, [entry]))
    return {"address": address}


def _user(api: ApiWorld, number: int) -> Names:
    """A user, and another who stays as they are, for whoever signs in or adds a member."""
    for_bodies = f"person{number}@people.test"
    bootstrap.run(a_person(api.scene.posthorn, email=for_bodies))
    return {"id": bootstrap.run(a_person(api.scene.posthorn)).id}


def _member(api: ApiWorld, number: int) -> Names:
    user = bootstrap.run(a_person(api.scene.posthorn))
    made = {"email": user.email, "role": "viewer"}
    reply = api.manage("POST", "/members", made, api.scene.organization.permalink)
    return {"user": reply.json["user"]}


def _own_session(api: ApiWorld, number: int) -> Names:
    """A session of somebody: keys have none."""
    program = api.scene.posthorn
    user = bootstrap.run(a_person(program))
    return {"id": bootstrap.run(program[Sessions].open(user, HERE))[0].id}


def _own_passkey(api: ApiWorld, number: int) -> Names:
    """A passkey of somebody."""
    program = api.scene.posthorn
    user = bootstrap.run(a_person(program, passkeys=1))
    passkey = Passkey(user.id, f"pk{number}", "Key", b"c", b"k", user.created_at)
    bootstrap.run(program[Repository].add(PASSKEYS, passkey))
    return {"id": passkey.id}


def _offered(api: ApiWorld, number: int) -> Names:
    """The link of an invitation."""
    token, now = f"offered{number}x{api.scene.server.token}", int(api.scene.clock.now())
    link = {"digest": key_digest(token), "created_at": now, "expires_at": now + 10_000_000}
    invitation = an_invitation(api.scene.organization.id, email=f"o{number}@people.test", **link)
    with acting(None):
        bootstrap.run(api.scene.posthorn[Repository].add(INVITATIONS, invitation))
    return {"token": token}


def _linked(purpose: TicketPurpose) -> Any:
    """A maker of links that were mailed to users."""

    def made(api: ApiWorld, number: int) -> Names:
        program = api.scene.posthorn
        user = bootstrap.run(a_person(program))
        said = json.dumps({"email": f"new.{number}@people.test"})
        give = program[Tickets].give(purpose, user.id, said, 10_000_000)
        return {"token": bootstrap.run(give)}

    return made


VERBS = ("hold", "release", "cancel", "retry", "bounce", "resend")
MAKERS: dict[str, Callable[[ApiWorld, int], Names]] = {
    "/emails/{id}": _scheduled,
    "/emails/{id}/attachments": _attached,
    "/emails/{id}/deliveries/{delivery}": _delivered,
    **{f"/emails/{{id}}/{verb}": _email_to(verb) for verb in VERBS},
    "/emails/{id}/replay": _incoming,
    "/reports/{id}": _report,
    "/suppressions/{address}": _suppressed,
    "/jobs/{id}": _made("/jobs", {"type": "export", "what": "suppressions"}),
    "/organizations/{organization}": _organization,
    "/servers/{organization}/{server}": _server,
    "/users/{id}": _user,
    "/members/{user}": _member,
    "/invitations/{id}": _made("/invitations", {"email": "i#@people.test", "role": "viewer"}),
    "/invitations/by-token/{token}": _offered,
    "/password-resets/{token}": _linked(TicketPurpose.RESET),
    "/email-changes/{token}": _linked(TicketPurpose.EMAIL),
    "/me/sessions/{id}": _own_session,
    "/me/passkeys/{id}": _own_passkey,
    "/searches/{id}": _made("/searches", {"name": "s#", "q": "tag:x", "shared": True}),
    "/keys/{id}": _made("/keys", {"name": "k#", "scopes": ["*"]}),
    "/credentials/{id}": _made("/credentials", {"kind": "API", "name": "c#"}),
    "/domains/{name}": _domain,
    "/track-domains/{name}": _track_domain,
    "/endpoints/{id}": _made(
        "/endpoints", {"type": "http", "name": "e#", "url": "https://e#.example/"}
    ),
    "/webhooks/{id}": _made("/webhooks", {"url": "https://w#.example/"}),
    "/webhook-deliveries/{id}": _webhook_delivery,
    "/routes/{id}": _route,
    "/pools/{name}": _pool,
    "/streams/{name}": _made("/streams", {"name": "s#", "type": "broadcast"}, name="name"),
    "/pool-rules/{id}": _made("/pool-rules", {"from": ["d#.example"], "pool": "default"}),
    "/sources/{name}": _made(
        "/sources",
        {"name": "s#", "kind": "smarthost", "host": "smtp.example.com"},
        name="name",
        tenant=False,
    ),
}
# Of what a server may have a few of: the most that are made, so that there is room for another.
FEW = {"/streams/{name}": 10, "/webhooks/{id}": 30}


@dataclass
class FilledTenant:
    """The tenant of a world, with `count` of each thing, but at most FEW of some, and none of those in `without`."""

    api: ApiWorld
    count: int = 1
    things: dict[str, list[Names]] = field(default_factory=dict)
    without: frozenset[str] = frozenset()

    @property
    def tenant(self) -> str:
        """What the header Posthorn-Tenant names it."""
        return self.api.scene.server.full_name

    def fill(self) -> FilledTenant:
        """Make all that there is to make."""
        for path, make in MAKERS.items():
            if path in self.without:
                continue
            count = min(self.count, FEW.get(path, self.count))
            self.things[path] = [make(self.api, number) for number in range(count)]
        return self

    def named(self, route: Route) -> list[Names]:
        """What the variables of a route's path may be."""
        path = route.path.removeprefix(PREFIX)
        if "{" not in path:
            return [{}]
        thing = max((one for one in self.things if path.startswith(one)), key=len, default=None)
        assert thing is not None, f"MAKERS of {__name__} makes nothing for {path}"
        return self.things[thing]

    def path(self, route: Route, number: int = 0) -> str:
        """The path of a route for one of its things, below /api/v2, with the query that it needs."""
        path, names = route.path.removeprefix(PREFIX), self.named(route)[number]
        query = QUERIES.get((route.method, path), {})
        needed = urlencode({name: one.format_map(names) for name, one in query.items()})
        return path.format_map(names) + (f"?{needed}" if needed else "")


def good_bodies(api: ApiWorld) -> dict[tuple[str, str], Any]:
    """A body that was taken with a 2xx, by method and path, for each route that takes one."""
    found = dict(BODIES)
    asked: list[Any] = []

    class Recording(ApiWorld):
        def manage(self, method: str, path: str, value: Any = None, *a: Any, **k: Any) -> Reply:
            asked.append(value)
            return super().manage(method, path, value, *a, **k)

    played = list(managed(Recording(api.scene)))
    for value, (path, method, reply) in zip(asked, played, strict=True):
        if value is not None and reply.status < 300:
            found.setdefault((method.upper(), path), value)
    return found
