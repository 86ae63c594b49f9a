"""A forgotten password is chosen anew and an address changed, by links in mail; nobody is told who is known."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.people import PASSWORD
from tests.people_site import PeopleSite, Walk

SECURITY = "/settings/security"
NEW = "another good password"
ENDED = "This link has ended, or was used already"
DAY = 86_400
# What differs between any two answers.
OF_EACH = {"date", "x-amzn-requestid", "x-request-id"}


@pytest.fixture
def client(people: PeopleSite) -> Iterator[httpx.Client]:
    """A client that has the form of the page."""
    with httpx.Client(base_url=people.url, trust_env=False) as one:
        yield one


def ask_for_link(walk: Walk, email: str) -> None:
    """By the pages, from the sign-in on."""
    walk.open("/login")
    walk.press("Forgotten the password?")
    walk.fill("E-mail address", email)
    assert walk.press("Mail me a link") == 200
    assert walk.path == "/login"
    assert "If this address has an account here, a link is on its way" in walk.main


def told(answer: httpx.Response, email: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """All of an answer, but for the address that was sent."""
    fields = [
        (name, value) for name, value in answer.headers.raw if name.decode().lower() not in OF_EACH
    ]
    return answer.status_code, fields, answer.content.replace(email.encode(), b"")


def test_a_password_is_chosen_by_the_link_of_the_mail(walk: Walk, people: PeopleSite) -> None:
    ada = people.person()
    ask_for_link(walk, ada.email.upper())
    link = people.link(ada.email)
    walk.open(link)
    walk.fill("New password", "short")
    assert walk.press("Change the password") == 422
    assert "10 to 200" in walk.main
    walk.fill("New password", NEW)
    assert walk.press("Change the password") == 200
    assert "Your password is changed, and all your sessions have ended" in walk.main
    assert walk.sign_in(ada.email) == 422
    assert walk.sign_in(ada.email, NEW) == 200
    walk.open(link)
    walk.fill("New password", PASSWORD)
    assert walk.press("Change the password") == 404
    assert ENDED in walk.main


def test_a_link_for_a_password_works_for_a_day(walk: Walk, people: PeopleSite) -> None:
    ada = people.person()
    ask_for_link(walk, ada.email)
    people.scene.clock.advance(DAY)
    walk.open(people.link(ada.email))
    walk.fill("New password", NEW)
    assert walk.press("Change the password") == 404
    assert ENDED in walk.main
    assert walk.sign_in(ada.email) == 200


def test_whether_somebody_is_known_shows_in_no_byte_of_the_page(
    client: httpx.Client, people: PeopleSite
) -> None:
    known, by_provider = (
        people.person(),
        people.person(oidc_issuer="https://id.test", oidc_subject="1"),
    )
    unknown = known.email.replace("ada.", "eve.")
    client.get("/login/reset")
    token = client.cookies["posthorn-form"]
    answers, after = [], []
    for email in (known.email, by_provider.email, unknown):
        answer = client.post("/login/reset", data={"csrf": token, "email": email})
        answers.append(told(answer, email))
        after.append(told(client.get(answer.headers["location"]), email))
    assert answers[0][0] == 303
    assert answers[0] == answers[1] == answers[2]
    assert after[0] == after[1] == after[2]
    assert [len(people.mails(one.email)) for one in (known, by_provider)] == [1, 0]


def test_nor_of_the_api_nor_of_a_sign_in(client: httpx.Client, people: PeopleSite) -> None:
    known = people.person()
    unknown = known.email.replace("ada.", "eve.")
    client.get("/login")
    token = client.cookies["posthorn-form"]
    asked, signed = [], []
    for email in (known.email, unknown):
        asked.append(told(client.post("/api/v2/password-resets", json={"email": email}), email))
        form = {"csrf": token, "email": email, "password": "wrong"}
        signed.append(told(client.post("/login", data=form), email))
    assert (asked[0][0], signed[0][0]) == (202, 422)
    assert asked[0] == asked[1]
    assert signed[0] == signed[1]


def test_an_address_is_changed_by_the_link_and_the_old_one_is_told(
    walk: Walk, people: PeopleSite
) -> None:
    ada = people.person()
    new = f"new.{ada.email}"
    walk.sign_in(ada.email)
    walk.open(SECURITY)
    walk.page.locator("summary").press("Enter")
    walk.fill("New address", new)
    walk.fill("Your password", "not it")
    assert walk.press("Mail me a link there") == 422
    assert walk.page.get_by_label("New address").input_value() == new
    walk.page.get_by_role("alert").get_by_role("link").press("Enter")
    assert (
        walk.page.evaluate("() => document.activeElement.labels[0].textContent") == "Your password"
    )
    walk.fill("Your password", PASSWORD)
    assert walk.press("Mail me a link there") == 200
    assert f"Follow the link that is mailed to {new}. Until then your address stays" in walk.main
    assert people.mails(ada.email) == []
    link = people.link(new)
    walk.open(link)
    assert walk.heading == "Is this your address?"
    assert walk.press("Take this address") == 200
    assert "This is your address now. Sign in with it" in walk.main
    assert walk.sign_in(ada.email) == 422
    assert walk.sign_in(new) == 200
    (mail,) = people.mails(ada.email)
    assert f"You sign in to Posthorn with the address {new} from now on" in mail
    walk.open(link)
    assert walk.press("Take this address") == 404
    assert ENDED in walk.main


def test_an_address_that_somebody_has_is_not_told_of(walk: Walk, people: PeopleSite) -> None:
    ada, eve = people.person(), people.person()
    walk.sign_in(ada.email)
    walk.open(SECURITY)
    walk.page.locator("summary").press("Enter")
    walk.fill("New address", eve.email)
    walk.fill("Your password", PASSWORD)
    assert walk.press("Mail me a link there") == 200
    assert f"Follow the link that is mailed to {eve.email}" in walk.main
    (mail,) = people.mails(eve.email)
    assert "http" not in mail
    assert "It is yours, so nothing was changed" in mail
