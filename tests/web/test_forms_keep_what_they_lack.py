"""Every form that changes something, sent as its page shows it, and with one field less: nothing is changed by either.

Forms are found on the pages that links lead to. What a form can set is set first, so that a field that counted as empty
would lift something. Boxes are left out: a form without one says that it is not ticked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.config import Settings
from chalicelib.web.routes import ROWS, find
from tests.filled_tenant import FilledTenant
from tests.http_api import ApiWorld
from tests.page_browser import Browser, SentForm, Shown, signed_in
from tests.site_map import site_map
from tests.worlds import Scene, make_scene

# A page that has a form at one of its addresses alone.
ALSO = ("/org/acme/servers/app/streams?stream=broadcast",)
STARTS = ("/?all=1", "/settings", "/org/acme", "/org/acme/servers/app", "/admin")
SERVER = "/org/{org}/servers/{server}"
# What a form is filled with, by its row or for all; what stands in no list stays as it is.
LIMITS = {"send_limit": "70", "send_limit_day": "700", "send_limit_month": "7000"}
RATES = {"complaint_rate_limit": "0.5", "bounce_rate_limit": "7.5", "rate_limit_count": "70"}
EVERYWHERE = {
    **LIMITS,
    **RATES,
    "send_limit_action": "refuse",
    "networks": "192.0.2.0/24\n127.0.0.0/8",
    "expires_at": "2040-01-31",
    "time_zone": "Europe/Berlin",
    "read_content": "yes",
    "reach": "some",
    "servers": ["app"],
    "notice": "Back at noon",
    "postmaster_address": "post@acme.test",
    "retry_schedule": "2m,5m,15m,1h*3",
    "outbound_spam_threshold": "9.5",
    "unknown_outcome": "hold",
    "excluded_click_domains": "a.example\nb.example",
    "organizations": "acme",
    "spam_mode": "Quarantine",
    "priority": "70",
    "conditions": "subject: *invoice*",
}
FILLED: dict[str, dict[str, Any]] = {
    f"{SERVER}/webhooks/{{id}}": {
        **{"name": "Hook", "which": "some", "events": ["email.held", "webhook.test"]},
        **{"streams": "broadcast", "tags": "a\nb", "format": "postal", "retries": "postal"},
        "timeout": "7",
    },
    f"{SERVER}/endpoints/{{id}}": {"format": "Hash", "encoding": "FormData", "timeout": "7"},
    f"{SERVER}/messages/searches/{{id}}": {"direction": "incoming"},
    f"{SERVER}/settings/rules/{{id}}/edit": {"to": "example.com"},
    "/org/{org}/ip_rules/{id}/edit": {"from": "acme.test", "to": "example.com"},
    "/admin/sources/{source}/edit": {"ehlo": "out.acme.test", "tls": "required"},
    "/admin/settings/provider": {
        **{"oidc/name": "Ours", "oidc/issuer": "https://id.acme.test", "oidc/client_id": "c"},
        **{"oidc/scopes": "openid email", "oidc/create_domains": "acme.test"},
    },
}
DEEDS = {
    *("/settings/security/password", "/settings/security/email", "/admin/users/{user}"),
    *(f"{SERVER}/keys/{{id}}/roll", f"{SERVER}/streams/{{name}}"),
}
# Buttons without fields, and boxes alone.
WITHOUT_FIELDS = {
    "/settings/theme",
    *(f"{SERVER}/start/hide", f"{SERVER}/domains/{{domain}}", "/org/{org}/domains/{domain}"),
    *(f"{SERVER}/webhooks/{{id}}/disable", f"{SERVER}/endpoints/{{id}}/disable"),
    f"{SERVER}/endpoints/{{id}}/delete",
}

# What says which deed it is, or makes it the same one when it is sent twice.
NO_VALUES = {"csrf", "once", "key", "return_to", "show"}


@dataclass(frozen=True)
class Place:
    """A form on a page: the page's address, the row that takes it, its number there, and whether it does something
    else than to keep what its fields hold."""

    address: str
    pattern: str
    number: int
    is_deed: bool


@dataclass
class Player:
    """Somebody who may everything, with every form that changes something."""

    browser: Browser
    places: list[Place]

    def page(self, place: Place) -> Shown:
        return bootstrap.run(self.browser.ask("GET", place.address, b"", {}))

    def form(self, place: Place) -> SentForm:
        return self.page(place).forms[place.number]

    def state(self, place: Place) -> str:
        """What the forms of its page hold."""
        forms = [(one.action, one.fields) for one in self.page(place).forms]
        held = [
            (action, {name: one for name, one in fields.items() if name not in NO_VALUES})
            for action, fields in forms
        ]
        return json.dumps(held, indent=1)

    def send(self, place: Place, form: SentForm, fields: dict[str, Any]) -> Shown:
        """The form with these fields and its first button."""
        name, value = next(((name, value) for _, name, value in form.buttons if name), ("", ""))
        button = {name: value} if name else {}
        return bootstrap.run(self.browser.send(form.action or place.address, {**fields, **button}))


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    """A tenant with something on every page."""
    made = bootstrap.run(make_scene(Settings(web_url="http://localhost:8080")))
    bootstrap.use(made.posthorn)
    try:
        api = ApiWorld(made)
        FilledTenant(api).fill()
        rule = {"from": ["acme.test"], "pool": "default"}
        assert api.manage("POST", "/pool-rules", rule, made.organization.permalink).status == 201
        yield made
    finally:
        bootstrap.use(None)


@pytest.fixture(scope="module")
def player(scene: Scene) -> Player:
    """Its forms hold what they can by now."""
    browser = bootstrap.run(
        signed_in(scene.posthorn, "root@acme.test", None, scene.organization, admin=True)
    )
    found = bootstrap.run(site_map(browser, *STARTS))
    player = Player(browser, [])
    for address in (*found.values(), *ALSO):
        forms = bootstrap.run(browser.ask("GET", address, b"", {})).forms
        for number, form in enumerate(forms):
            row, _ = find("POST", (form.action or address).partition("?")[0]) or (None, {})
            is_change = row is not None and any(one.startswith("change") for one in row.api)
            if row and form.method == "post" and is_change and set(form.fields) - NO_VALUES:
                is_deed = row.pattern in DEEDS or "default" in form.fields
                player.places.append(Place(address, row.pattern, number, is_deed))
    for place in player.places:
        if not place.is_deed:
            fill(player, place)
    return player


def fill(player: Player, place: Place) -> None:
    """Set what a form can set."""
    form = player.form(place)
    wanted = {**EVERYWHERE, **FILLED.get(place.pattern, {})}
    given = {name: one for name, one in wanted.items() if name in {*form.fields, *form.boxes}}
    fields = {**form.fields, **given}
    if "organizations" in given:
        fields.pop("every", None)
    shown = player.send(place, form, fields)
    assert shown.status == 303, (place, shown.text.partition("Change this")[2][:300])
    held = player.form(place).fields
    for name in given.keys() & held.keys():
        one = given[name]
        written = " ".join(held[name]).replace("T00:00:00.000Z", "")
        assert written.split() == (one if isinstance(one, list) else one.split()), (place, name)


def test_every_row_that_changes_something_is_played(player: Player) -> None:
    rows = {one.pattern for one in ROWS if any(name.startswith("change") for name in one.api)}
    taken = {one.pattern for one in ROWS if one.method == "POST"} & rows
    assert {one.pattern for one in player.places} | WITHOUT_FIELDS == taken


def test_a_form_sent_as_it_is_shown_changes_nothing(player: Player) -> None:
    for place in player.places:
        if place.is_deed:
            continue
        before, form = player.state(place), player.form(place)
        assert player.send(place, form, dict(form.fields)).status == 303, place
        assert player.state(place) == before, place


def test_a_form_that_lacks_a_field_changes_nothing(player: Player) -> None:
    for place in player.places:
        before, form = player.state(place), player.form(place)
        for name in form.fields.keys() - NO_VALUES - form.boxes:
            fields = {other: one for other, one in form.fields.items() if other != name}
            player.send(place, form, fields)
            assert player.state(place) == before, (place, name)
