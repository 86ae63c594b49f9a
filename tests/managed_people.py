"""The routes of people, each played once: users, members, invitations, sessions, oneself, saved searches."""

from __future__ import annotations

from typing import Any

from chalicelib.bootstrap import run
from chalicelib.services.people.sessions import Sessions
from tests.http_api import ApiWorld
from tests.people import HERE, PASSWORD, Visitor, a_person

Asked = Any
"""`asked(method, route, path, value, tenant, who=…)`, by a key or by somebody with a browser."""


def people(api: ApiWorld, asked: Asked) -> None:
    """All of them."""
    _users(api, asked)
    _members(api, asked)
    _invitations(api, asked)
    _session(api, asked)
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


def _searches(asked: Asked) -> None:
    listed, named = "/searches", "/searches/{id}"
    made = {"name": "bounced", "q": "status:bounced", "direction": "outgoing", "shared": True}
    one = asked("POST", listed, listed, made, "acme/app").json["id"]
    asked("GET", listed, listed, tenant="acme/app")
    asked("PATCH", named, f"{listed}/{one}", {"q": "status:held"}, "acme/app")
    asked("DELETE", named, f"{listed}/{one}", tenant="acme/app")
