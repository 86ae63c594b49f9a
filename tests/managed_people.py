"""The routes of people, each played once: users, members, invitations, sessions, oneself, saved searches."""

from __future__ import annotations

import base64
import json
from typing import Any

from chalicelib.bootstrap import run
from chalicelib.config import Settings
from chalicelib.domain.people.tickets import TicketPurpose
from chalicelib.domain.people.totp import STEP_SECONDS, code_of
from chalicelib.ports.clock import Clock
from chalicelib.services.people.sessions import Sessions
from chalicelib.services.people.tickets import Tickets
from tests.http_api import ApiWorld
from tests.passkey_device import Device
from tests.people import HERE, PASSWORD, Visitor, a_person

Asked = Any
"""`asked(method, route, path, value, tenant, who=…)`, by a key or by somebody with a browser."""


def people(api: ApiWorld, asked: Asked) -> None:
    """All of them."""
    _users(api, asked)
    _members(api, asked)
    _invitations(api, asked)
    _session(api, asked)
    _factors(api, asked)
    _links(api, asked)
    _searches(asked)


def _users(api: ApiWorld, asked: Asked) -> None:
    users, named = "/users", "/users/{id}"
    made = {"email": "grace@people.test", "first_name": "Grace", "password": PASSWORD}
    one = asked("POST", users, users, made).json["id"]
    asked("GET", users, users)
    at = f"{users}/{one}"
    asked("GET", named, at)
    asked("PATCH", named, at, {"last_name": "Hopper", "admin": True})
    asked("DELETE", f"{named}/sessions", f"{at}/sessions")
    asked("DELETE", f"{named}/factors", f"{at}/factors")
    asked("DELETE", named, at)


def _members(api: ApiWorld, asked: Asked) -> None:
    members, named = "/members", "/members/{user}"
    user = run(a_person(api.scene.posthorn))
    asked("POST", members, members, {"email": user.email, "role": "viewer"}, "acme")
    asked("GET", members, members, tenant="acme")
    asked("PATCH", named, f"{members}/{user.id}", {"role": "admin"}, "acme")
    asked("DELETE", named, f"{members}/{user.id}", tenant="acme")


def _invitations(api: ApiWorld, asked: Asked) -> None:
    listed, by_token = "/invitations", "/invitations/by-token/{token}"
    made = {"email": "joan@people.test", "role": "member"}
    link = asked("POST", listed, listed, made, "acme").json["url"]
    asked("GET", listed, listed, tenant="acme")
    at = f"{listed}/by-token/{link.rpartition('/')[2]}"
    asked("GET", by_token, at)
    asked("POST", by_token, at, {"first_name": "Joan", "password": PASSWORD})
    asked("GET", by_token, at)
    other = asked("POST", listed, listed, made | {"email": "x@people.test"}, "acme").json["id"]
    asked("DELETE", f"{listed}/{{id}}", f"{listed}/{other}", tenant="acme")


def _session(api: ApiWorld, asked: Asked) -> None:
    user, who = run(a_person(api.scene.posthorn)), Visitor(api)
    given = {"email": user.email, "password": PASSWORD}
    asked("POST", "/sessions", "/sessions", given | {"password": "wrong"})
    who.csrf = asked("POST", "/sessions", "/sessions", given, who=who).json["csrf_token"]
    one, _ = run(api.scene.posthorn[Sessions].open(user, HERE))
    for path in ("/session", "/me", "/me/sessions"):
        asked("GET", path, path, who=who)
    asked("POST", "/session/confirm", "/session/confirm", {"password": PASSWORD}, who=who)
    asked("PATCH", "/me", "/me", {"first_name": "Ada"}, who=who)
    asked("DELETE", "/me/sessions/{id}", f"/me/sessions/{one.id}", who=who)
    asked("DELETE", "/me/sessions", "/me/sessions", who=who)
    asked("DELETE", "/session", "/session", who=who)


def _factors(api: ApiWorld, asked: Asked) -> None:
    user, who = run(a_person(api.scene.posthorn)), Visitor(api)
    given = {"email": user.email, "password": PASSWORD}
    who.csrf = asked("POST", "/sessions", "/sessions", given, who=who).json["csrf_token"]
    app, keys = "/me/totp", "/me/passkeys"
    secret = asked("POST", app, app, who=who).json["secret"]
    step = int(api.scene.posthorn[Clock].now()) // STEP_SECONDS
    asked("PUT", app, app, {"code": code_of(base64.b32decode(secret), step)}, who=who)
    asked("POST", "/me/recovery-codes", "/me/recovery-codes", who=who)
    begun = asked("POST", keys, keys, {}, who=who).json
    device = Device(api.scene.posthorn[Settings].public_url)
    made = {"ticket": begun["ticket"], "credential": device.make(begun["options"]), "name": "Key"}
    one = asked("POST", keys, keys, made, who=who).json["id"]
    asked("GET", keys, keys, who=who)
    asked("DELETE", f"{keys}/{{id}}", f"{keys}/{one}", who=who)
    asked("DELETE", app, app, {"password": PASSWORD}, who=who)
    provider = {"name": "Acme", "issuer": "https://id.acme.test", "client_id": "posthorn"}
    for oidc in (provider | {"client_secret": "open sesame"}, None):
        asked("PATCH", "/installation", "/installation", {"oidc": oidc})


def _links(api: ApiWorld, asked: Asked) -> None:
    program = api.scene.posthorn
    user = run(a_person(program))
    asked("POST", "/password-resets", "/password-resets", {"email": user.email})
    for purpose, path, value in (
        (TicketPurpose.EMAIL, "/email-changes", {}),
        (TicketPurpose.RESET, "/password-resets", {"password": PASSWORD}),
    ):
        said = json.dumps({"email": f"new.{user.email}"})
        token = run(program[Tickets].give(purpose, user.id, said))
        asked("PUT", f"{path}/{{token}}", f"{path}/{token}", value)


def _searches(asked: Asked) -> None:
    listed, named = "/searches", "/searches/{id}"
    made = {"name": "bounced", "q": "status:bounced", "direction": "outgoing", "shared": True}
    one = asked("POST", listed, listed, made, "acme/app").json["id"]
    asked("GET", listed, listed, tenant="acme/app")
    asked("PATCH", named, f"{listed}/{one}", {"q": "status:held"}, "acme/app")
    asked("DELETE", named, f"{listed}/{one}", tenant="acme/app")
