"""People sign in at a provider of foreign make, are joined with the account that they have, and confirm there; whoever
may not come in is told why on a page of ours."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from html import escape
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from chalicelib import bootstrap
from chalicelib.adapters.system.clock import SystemClock
from chalicelib.config import Settings
from chalicelib.domain.people.oidc_provider import OidcProvider
from chalicelib.domain.people.sessions import SESSIONS
from chalicelib.domain.people.signed_in import SignedIn
from chalicelib.ports.acting import acting
from chalicelib.ports.clock import Clock
from chalicelib.ports.http_client import HttpClient
from chalicelib.ports.repository import Repository
from chalicelib.services.people.oidc import CALLBACK, NOT_BELIEVED, NOT_OURS
from chalicelib.services.people.oidc_providers import OidcProviders
from chalicelib.services.people.oidc_users import NOBODY, NOT_VERIFIED
from chalicelib.services.tenancy.signed_in import FindSignedIn
from tests.openid_providers import (
    CLIENT_ID,
    CLIENT_SECRET,
    PASSWORD,
    NodeProvider,
    needs_node_provider,
    running_node_provider,
)
from tests.people_site import PeopleSite, Walk, people_site, walking
from tests.scripted_provider import ISSUER, PROVIDER, Scripted

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SECURITY = "/settings/security"
pytestmark = [pytest.mark.clients, needs_node_provider]


@pytest.fixture(scope="module")
def people() -> Iterator[PeopleSite]:
    """At the time of the provider, which is nobody's to move."""
    parts = {Clock: SystemClock(Settings())}
    with people_site(parts, allow_private_destinations=True) as site:
        yield site


@pytest.fixture(scope="module")
def provider(
    people: PeopleSite, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NodeProvider]:
    folder: Path = tmp_path_factory.mktemp("provider")
    with running_node_provider(people.url + CALLBACK, folder) as running:
        yield running


@pytest.fixture(params=[True, False], ids=["with script", "without script"])
def walk(
    request: pytest.FixtureRequest, chromium: Browser, people: PeopleSite, provider: NodeProvider
) -> Iterator[Walk]:
    use(people, provider)
    with walking(chromium, people, scripted=request.param, also=(provider.issuer,)) as one:
        one.page.route(lambda url: "//localhost:" not in url, lambda route: route.abort())
        yield one


def use(people: PeopleSite, provider: NodeProvider, **more: Any) -> None:
    """Let people sign in there."""
    known = OidcProvider("Acme", provider.issuer, CLIENT_ID, create_domains=("made.test",))
    known = replace(known, **more)
    bootstrap.run(people.scene.posthorn[OidcProviders].write(known, CLIENT_SECRET))


def sign_in_there(walk: Walk, login: str, link: str = "Sign in with Acme") -> None:
    """Follow a link to the provider, show there who one is, agree, and come back."""
    walk.press(link)
    for _ in range(3):
        if walk.watched.is_here:
            return
        if walk.page.locator("[name=login]").count():
            walk.page.locator("[name=login]").fill(login)
            walk.page.locator("[name=password]").fill(PASSWORD)
        with walk.page.expect_navigation():
            walk.page.locator("[type=submit]").press("Enter")
    walk.look()


def signed_in(walk: Walk) -> SignedIn:
    """Whose browser it is."""
    (token,) = (one["value"] for one in walk.page.context.cookies() if one["name"] == "posthorn")
    return bootstrap.run(walk.site.scene.posthorn[FindSignedIn].by_token(token, ""))


def test_who_has_a_password_is_joined_comes_back_and_has_it_no_more(
    walk: Walk, people: PeopleSite
) -> None:
    ada = people.person()
    walk.open("/org/acme/members")
    sign_in_there(walk, ada.email)
    assert walk.path == "/org/acme/members", walk.main
    assert walk.heading == "Members"
    assert signed_in(walk).user.id == ada.id
    walk.open(SECURITY)
    assert "You sign in at http://localhost:" in walk.main
    assert walk.page.get_by_role("button", name="Change the password").count() == 0
    walk.sign_out()
    assert walk.sign_in(ada.email) == 422
    assert "The address or the password is wrong" in walk.main


def test_somebody_is_made_for_a_domain_that_is_named(walk: Walk, people: PeopleSite) -> None:
    email = people.person(role=None).email.replace("people.test", "made.test")
    walk.open("/login")
    sign_in_there(walk, email)
    assert walk.path == "/"
    assert signed_in(walk).user.email == email


def test_whoever_may_not_come_in_is_told_why(walk: Walk, people: PeopleSite) -> None:
    ada = people.person()
    for login, why in (
        (f"unverified.{ada.email}", NOT_VERIFIED),
        (f"not.{ada.email}", NOBODY),
    ):
        walk.open("/login")
        sign_in_there(walk, login)
        assert walk.heading == "Not for you"
        assert why in walk.main
        walk.page.context.clear_cookies(domain="localhost")
        walk.press("Back to the start")
        assert walk.path == "/login"
    assert walk.sign_in(ada.email) == 200


def test_other_keys_of_the_provider_are_taken(
    walk: Walk, people: PeopleSite, provider: NodeProvider
) -> None:
    ada = people.person()
    walk.open("/login")
    sign_in_there(walk, ada.email)
    provider.rotate()
    walk.sign_out()
    sign_in_there(walk, ada.email)
    assert signed_in(walk).user.id == ada.id


def test_a_provider_that_is_gone_is_told_of_and_passwords_still_let_in(
    walk: Walk, people: PeopleSite, provider: NodeProvider
) -> None:
    ada = people.person()
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        gone = f"http://localhost:{nobody.getsockname()[1]}"
    use(people, provider, issuer=gone)
    walk.open("/login")
    assert walk.press("Sign in with Acme") == 503
    assert "The sign-in provider answers not at all" in walk.main
    assert walk.sign_in(ada.email) == 200


def test_one_confirms_there_and_somebody_else_does_not(walk: Walk, people: PeopleSite) -> None:
    ada = people.person()
    walk.open("/login")
    sign_in_there(walk, ada.email)
    repository, session = people.scene.posthorn[Repository], signed_in(walk).session
    with acting(None):
        old = replace(session, confirmed_at=session.confirmed_at - 3_600)
        bootstrap.run(repository.replace(SESSIONS, old))
    walk.open("/confirm")  # whoever comes too late, too, is asked what they can show
    assert walk.page.get_by_label("Your password").count() == 0
    assert walk.page.get_by_role("link", name="Confirm with your provider").is_visible()
    walk.open(SECURITY)
    walk.press("Set up an app")
    assert walk.heading == "Confirm that it is you"
    sign_in_there(walk, f"other.{ada.email}", "Confirm with your provider")
    assert "The sign-in provider says that you are somebody else" in walk.main
    walk.open(SECURITY)
    walk.press("Set up an app")
    sign_in_there(walk, ada.email, "Confirm with your provider")
    assert walk.path == SECURITY
    assert "do it once more" in walk.main
    walk.press("Set up an app")
    assert walk.heading == "Set up an app that makes codes"


def test_an_invitation_lets_somebody_in_whom_no_domain_does(
    walk: Walk, people: PeopleSite, provider: NodeProvider, chromium: Browser
) -> None:
    use(people, provider, local_sign_in=True)
    owner, email = people.person(), people.person(role=None).email.replace("ada.", "new.")
    walk.open("/login")
    walk.sign_in(owner.email)
    walk.open("/org/acme/members")
    walk.fill("E-mail address", email)
    walk.press("Invite")
    link = people.link(email)
    walk.sign_out()
    for is_local in (True, False):
        use(people, provider, local_sign_in=is_local)
        walk.open(link)
        assert walk.page.get_by_label("Password").count() == is_local
    walk.press("Sign in to join")
    sign_in_there(walk, email)
    assert walk.path == link
    walk.press(f"Join as {email}")
    assert "You are a member now" in walk.main


@pytest.fixture(scope="module")
def lying() -> Scripted:
    """A provider that says what it is told to."""
    return Scripted()


@pytest.fixture(scope="module")
def its_page(lying: Scripted) -> Iterator[str]:
    """Where it asks who one is: a page with a link that leads back."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = dict(parse_qsl(urlsplit(self.path).query))
            lying.nonce = asked["nonce"]
            answer = urlencode({"state": asked["state"], "code": "c0de", "iss": ISSUER})
            back = escape(f"{asked['redirect_uri']}?{answer}")
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            text = f'<!doctype html><link rel="icon" href="data:,"><a href="{back}">Go back</a>'
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Not a word."""

    with HTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_port}/auth"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def fooled(lying: Scripted, its_page: str) -> Iterator[PeopleSite]:
    """A site that people enter by it."""
    with people_site({HttpClient: lying}, allow_private_destinations=True) as site:
        lying.clock = site.scene.clock
        lying.described = {"authorization_endpoint": its_page}
        bootstrap.run(site.scene.posthorn[OidcProviders].write(PROVIDER, "open sesame"))
        yield site


@pytest.mark.parametrize("scripted", [True, False], ids=["with script", "without script"])
def test_a_token_for_somebody_else_or_by_an_unknown_key_lets_nobody_in(
    chromium: Browser, fooled: PeopleSite, lying: Scripted, its_page: str, scripted: bool
) -> None:
    with walking(chromium, fooled, scripted=scripted, also=(its_page,)) as walk:
        for claims, key in (({"aud": "another"}, 0), ({"nonce": "another"}, 0), ({}, 1)):
            lying.claims, lying.key = claims, key
            walk.open("/org/acme/members")
            walk.press("Sign in with Acme")
            assert walk.press("Go back") == 403
            assert NOT_BELIEVED in walk.main
            assert "another" not in walk.page.content()
            walk.open("/org/acme/members")
            assert walk.path == "/login"
        lying.claims, lying.key = {}, 0
        walk.press("Sign in with Acme")
        back = walk.page.get_by_role("link").get_attribute("href")
        assert back is not None
        assert walk.press("Go back") == 404  # nobody has invited ada to acme
        walk.open("/settings")
        assert walk.heading == "Your account"
        assert walk.open(back.removeprefix(fooled.url)) == 403
        assert NOT_OURS in walk.main
