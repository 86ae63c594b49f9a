"""Signing in by an OpenID provider of foreign make, from page to page as a browser without script goes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.adapters.system.clock import SystemClock
from chalicelib.bootstrap import Posthorn, in_memory
from chalicelib.config import Settings
from chalicelib.domain.people.oidc_provider import OidcProvider
from chalicelib.ports.clock import Clock
from chalicelib.services.people.oidc_providers import OidcProviders
from chalicelib.services.people.users import Users
from tests.openid_providers import (
    CLIENT_ID,
    CLIENT_SECRET,
    NodeProvider,
    needs_node_provider,
    running_node_provider,
)
from tests.page_browser import Browser, Shown
from tests.people import a_person

HOST = "localhost:8000"
SETTINGS = Settings(web_url="http://127.0.0.1:8000", allow_private_destinations=True)
pytestmark = [pytest.mark.clients, needs_node_provider]


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProvider]:
    back = f"http://{HOST}/auth/oidc/callback"
    folder: Path = tmp_path_factory.mktemp("provider")
    with running_node_provider(back, folder) as running:
        yield running


@pytest.fixture
async def program(provider: NodeProvider) -> Posthorn:
    program = in_memory(SETTINGS, {Clock: SystemClock(SETTINGS)})
    known = OidcProvider("Acme", provider.issuer, CLIENT_ID, create_domains=("acme.test",))
    await program[OidcProviders].write(known, CLIENT_SECRET)
    return program


async def led(browser: Browser, address: str) -> str:
    """Where a page leads at once."""
    shown = await browser.ask("GET", address, b"", {})
    assert shown.status == 303, shown.text
    return shown.answer.headers["Location"]


async def came_back(browser: Browser, answer: dict[str, str]) -> Shown:
    query = "&".join(f"{name}={value}" for name, value in answer.items())
    return await browser.ask("GET", f"/auth/oidc/callback?{query}", b"", {})


async def test_the_page_names_the_provider_and_leads_there_and_back(
    program: Posthorn, provider: NodeProvider
) -> None:
    browser = Browser(program, host=HOST)
    shown = await browser.get("/login?return_to=/organizations/new")
    assert shown.has_button("Sign in")
    url = await led(browser, shown.links["Sign in with Acme"])
    assert url.startswith(provider.issuer)
    done = await came_back(browser, provider.sign_in(url, "ada@acme.test"))
    assert (done.status, done.answer.headers["Location"]) == (303, "/organizations/new")
    assert "ada@acme.test" in (await browser.get("/")).html
    again = await came_back(browser, {"code": "x", "state": "x"})
    assert again.status == 403
    assert "does not belong to a sign-in of this browser" in again.text


async def test_who_may_not_come_in_is_told_why(program: Posthorn, provider: NodeProvider) -> None:
    browser = Browser(program, host=HOST)
    for login, why in (
        ("unverified.eve@acme.test", "does not say that the address is yours"),
        ("eve@elsewhere.test", "Nobody is known here by this address"),
    ):
        url = await led(browser, "/auth/oidc")
        refused = await came_back(browser, provider.sign_in(url, login))
        assert refused.status == 403
        assert why in refused.text
    assert (await browser.ask("GET", "/", b"", {})).status == 303


async def test_another_browser_gets_nothing_by_the_answer(
    program: Posthorn, provider: NodeProvider
) -> None:
    url = await led(Browser(program, host=HOST), "/auth/oidc")
    answer = provider.sign_in(url, "ada@acme.test")
    refused = await came_back(Browser(program, host=HOST), answer)
    assert refused.status == 403
    assert await program[Users].known("ada@acme.test") is None


async def test_by_another_name_of_this_machine_one_is_led_to_the_pages(program: Posthorn) -> None:
    browser = Browser(program, host="127.0.0.1:8000")
    there = await led(browser, "/auth/oidc?return_to=/organizations/new")
    assert there == f"http://{HOST}/auth/oidc?return_to=%2Forganizations%2Fnew"


async def test_where_it_alone_lets_in_the_form_is_gone(
    program: Posthorn, provider: NodeProvider
) -> None:
    known = OidcProvider("Acme", provider.issuer, CLIENT_ID, local_sign_in=False)
    await program[OidcProviders].write(known)
    browser = Browser(program, host=HOST)
    shown = await browser.get("/login")
    assert not shown.has_button("Sign in")
    assert shown.links["Sign in with Acme"].startswith("/auth/oidc")
    await a_person(program, email="ada@acme.test")
    await program[OidcProviders].write(None)
    shown = await browser.get("/login")
    assert shown.has_button("Sign in")
    assert "/auth/oidc" not in shown.html
    assert (await browser.get("/auth/oidc")).status == 404


async def test_one_confirms_there(program: Posthorn, provider: NodeProvider) -> None:
    browser = Browser(program, host=HOST)
    url = await led(browser, "/auth/oidc")
    await came_back(browser, provider.sign_in(url, "ada@acme.test"))
    url = await led(browser, "/auth/oidc?confirm=1&return_to=/organizations/new")
    assert "prompt=login" in url
    done = await came_back(browser, provider.sign_in(url, "ada@acme.test"))
    assert (done.status, done.answer.headers["Location"]) == (303, "/organizations/new")
    assert "for ten minutes" in (await browser.get("/organizations/new")).text
    nobody = Browser(program, host=HOST)
    assert (await led(nobody, "/auth/oidc?confirm=1")).startswith("/login")
