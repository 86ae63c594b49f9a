"""The first operators of a local stack: the one of stack.json, one whom the command makes, and whom they invite, by the
mail in the local inbox."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.browser_stack import at, page, stack
from tests.e2e.stack import RunningStack
from tests.patience import PATIENCE
from tests.people import PASSWORD
from tests.people_site import link_in, people_site, walking

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["page", "stack"]
pytestmark = pytest.mark.slow
SIGN_IN = "Sign in"


def sign_in(page: Page, stack: RunningStack, email: str, password: str) -> None:
    """From the page that asks for it."""
    page.goto(at(stack) + "/login")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name=SIGN_IN, exact=True).press("Enter")
    expect(page.get_by_role("button", name=SIGN_IN, exact=True)).to_have_count(0)


def made_by_command(stack: RunningStack, email: str) -> None:
    """An operator, as whoever has the storage makes them."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("POSTHORN_", "AWS_"))  # as the tests of this process may have set
    }
    environment = clean | {"POSTHORN_STATE": str(stack.state), "POSTHORN_PASSWORD": PASSWORD}
    done = subprocess.run(
        [sys.executable, "-m", "chalicelib.cli", "user", "create", email, "--admin"],
        env=environment | {"PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=stack.state,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert PASSWORD not in done.stdout


def test_who_is_named_in_stack_json_operates_the_installation(
    page: Page, stack: RunningStack
) -> None:
    admin = stack.facts["admin"]
    sign_in(page, stack, admin["email"], admin["password"])
    page.goto(at(stack) + "/admin/users")
    expect(page.get_by_role("heading", level=1)).to_have_text("Users")
    expect(page.locator(".rows")).to_contain_text(admin["email"])


def test_who_was_made_by_the_command_operates_and_invites_by_mail(
    page: Page, stack: RunningStack
) -> None:
    one = secrets.token_hex(5)
    operator, guest = f"operator.{one}@example.com", f"guest.{one}@example.com"
    made_by_command(stack, operator)
    sign_in(page, stack, operator, PASSWORD)
    page.goto(at(stack) + "/admin")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    organization = stack.facts["server"]["organization"]
    page.goto(f"{at(stack)}/org/{organization}/members")
    page.get_by_label("E-mail address").fill(guest)
    page.get_by_role("button", name="Invite", exact=True).press("Enter")
    expect(page.get_by_role("status").first).to_contain_text(f"{guest} is invited")
    stack.arrival(guest)
    page.context.clear_cookies()
    page.goto(f"{stack.facts['http']}/_local/inbox?rcpt={guest}")
    page.get_by_role("link", name="You are invited to").press("Enter")
    page.wait_for_url("**/view/*")
    page.goto(at(stack) + link_in(page.locator("pre").inner_text(), at(stack)))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make my account and join").press("Enter")
    page.wait_for_url(f"**/org/{organization}/**")
    page.goto(at(stack) + "/admin/users")
    expect(page.locator("main")).to_contain_text("Not for you")


def test_where_nobody_is_known_the_page_names_the_command(chromium: Browser) -> None:
    with people_site() as site, walking(chromium, site, scripted=False) as walk:
        walk.open("/login")
        assert "Nobody has an account here yet" in walk.main
        assert "posthorn user create --admin" in walk.main
        site.person()
        walk.open("/login")
        assert "Nobody has an account" not in walk.main
