"""What people do, with script and without, on one host: the same steps, the same words."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser_stack import at, page, stack
from tests.e2e.stack import RunningStack

__all__ = ["page", "stack"]
pytestmark = [pytest.mark.slow]


def sign_in(page: Page, stack: RunningStack) -> None:
    """As the stack's admin."""
    admin = stack.facts["admin"]
    page.goto(at(stack) + "/")
    page.get_by_label("E-mail address").fill(admin["email"])
    page.get_by_label("Password").fill(admin["password"])
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_have_count(0)


def test_from_the_sign_in_to_a_message_that_was_delivered(page: Page, stack: RunningStack) -> None:
    sign_in(page, stack)
    known = stack.facts["server"]
    page.goto(f"{at(stack)}/org/{known['organization']}/servers/{known['name']}/start")
    page.get_by_role("button", name="to admin@", exact=False).click()
    expect(page.locator("main")).to_contain_text("It was accepted")
    for _ in range(60):
        if page.locator(".head .badge, .head .state").filter(has_text="Delivered").count():
            break
        page.wait_for_timeout(500)
        page.reload()
    expect(page.locator("main")).to_contain_text("Delivered")
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_what_is_wrong_is_said_and_typed_once(page: Page, stack: RunningStack) -> None:
    page.goto(at(stack) + "/login")
    page.get_by_label("E-mail address").fill("nobody@demo.test")
    page.get_by_label("Password").fill("not it")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("The address or the password is wrong")
    expect(page.get_by_label("E-mail address")).to_have_value("nobody@demo.test")


def test_by_the_keyboard_alone(chromium: Browser, stack: RunningStack) -> None:
    with chromium.new_context() as context:
        page = context.new_page()
        admin = stack.facts["admin"]
        page.goto(at(stack) + "/login")
        for _ in range(20):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.name") == "email":
                break
        page.keyboard.type(admin["email"])
        page.keyboard.press("Tab")
        page.keyboard.type(admin["password"])
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Sign in", exact=True)).to_have_count(0)
        page.wait_for_load_state()
        if "/servers/" in page.url:
            page.keyboard.press("g")
            page.keyboard.press("m")
            page.wait_for_url("**/messages/**")
            page.keyboard.press("?")
            expect(page.locator("#help")).to_be_visible()
            page.keyboard.press("Escape")
            expect(page.locator("#help")).to_be_hidden()
            page.keyboard.press("/")
            assert page.evaluate("document.activeElement.id") == "q"


def test_what_is_typed_into_the_first_steps_stays(chromium: Browser, stack: RunningStack) -> None:
    with chromium.new_context() as context:
        page = context.new_page()
        sign_in(page, stack)
        known = stack.facts["server"]
        page.goto(f"{at(stack)}/org/{known['organization']}/servers/{known['name']}/start")
        looks = """() => {
            const event = new CustomEvent("htmx:beforeRequest", {
                bubbles: true, cancelable: true, detail: {target: document.querySelector("#steps")}});
            return document.dispatchEvent(event);
        }"""
        assert page.evaluate(looks)
        field = page.locator("#steps input:not([type=hidden])").first
        field.fill("typed")
        page.evaluate("document.activeElement.blur()")
        assert not page.evaluate(looks)
        field.fill(field.evaluate("field => field.defaultValue"))
        page.evaluate("document.activeElement.blur()")
        assert page.evaluate(looks)
