"""What authenticators answer holds for the challenge, the site and the key that they were asked for, and no other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.adapters.crypto.passkeys import WebauthnPasskeyCheck
from chalicelib.domain.people.passkeys import Passkey
from chalicelib.domain.people.users import User
from chalicelib.domain.people.web_authn import (
    Site,
    bytes_of,
    chosen,
    options_to_make,
    options_to_show,
    site_of,
    text_of,
)
from tests.passkey_device import Device, octets, text

CHECK = WebauthnPasskeyCheck()
USER = User("usabcdefghij", "ada@acme.example", 0, "Ada")
SITE = site_of("mail.acme.example", "http://127.0.0.1:8000")
CHALLENGE, OTHER = b"c" * 32, b"d" * 32


def made(device: Device, **wrong: Any) -> Passkey | None:
    options = options_to_make(SITE, "Posthorn", USER, CHALLENGE, ())
    found = CHECK.made(device.make(options, **wrong), CHALLENGE, SITE)
    if found is None:
        return None
    return Passkey(USER.id, "pk1", "Key", found.credential, found.public_key, 0, found.sign_count)


def shown(device: Device, passkey: Passkey, **wrong: Any) -> int | None:
    options = options_to_show(SITE, CHALLENGE, (passkey,))
    return CHECK.shown(device.show(options, **wrong), CHALLENGE, SITE, passkey)


@pytest.fixture
def device() -> Device:
    return Device()


def a_passkey(device: Device) -> Passkey:
    passkey = made(device)
    assert passkey is not None
    return passkey


def test_what_was_made_is_shown(device: Device) -> None:
    passkey = a_passkey(device)
    assert passkey.credential == device.credential
    assert shown(device, passkey) == 1
    assert shown(device, replace(passkey, sign_count=1)) == 2
    assert chosen(device.show(options_to_show(SITE, CHALLENGE, (passkey,))), (passkey,)) == passkey


def test_an_authenticator_that_does_not_count_may_be_shown_again() -> None:
    device = Device(counts=False)
    passkey = a_passkey(device)
    assert shown(device, passkey) == 0
    assert shown(device, passkey) == 0


def test_one_that_counts_less_than_before_is_a_copy(device: Device) -> None:
    passkey = replace(a_passkey(device), sign_count=9)
    assert shown(device, passkey) is None


WRONG: list[dict[str, Any]] = [
    {"challenge": text(OTHER)},
    {"origin": "https://evil.example"},
    {"origin": "http://127.0.0.1:8000"},
    {"rp_id": "evil.example"},
    {"type": "payment.get"},
]


@pytest.mark.parametrize("wrong", WRONG)
def test_what_was_made_elsewhere_or_for_something_else(
    device: Device, wrong: dict[str, Any]
) -> None:
    assert made(device, **wrong) is None


@pytest.mark.parametrize(
    "wrong", [*WRONG, {"flags": 0}, {"key": Device().key}, {"type": "webauthn.create"}]
)
def test_what_was_shown_elsewhere_by_another_or_by_nobody(
    device: Device, wrong: dict[str, Any]
) -> None:
    assert shown(device, a_passkey(device), **wrong) is None


def test_an_answer_of_another_passkey(device: Device) -> None:
    passkey = a_passkey(device)
    answer = device.show(options_to_show(SITE, CHALLENGE, (passkey,)))
    answer["id"] = answer["rawId"] = text(b"x" * 32)
    assert chosen(answer, (passkey,)) is None
    assert CHECK.shown(answer, CHALLENGE, SITE, passkey) is None


def hostile() -> list[dict[str, Any]]:
    passkey = a_passkey(Device())
    device = Device()
    good = device.make(options_to_make(SITE, "Posthorn", USER, CHALLENGE, ()))
    attestation = octets(good["response"]["attestationObject"])
    broken = [
        {},
        {"id": 1, "rawId": [], "type": None, "response": "x"},
        good | {"response": {}},
        good | {"type": "password"},
        good | {"id": text(passkey.credential)},
        good | {"rawId": "\x00é"},
    ]
    for bad in (
        b"",
        b"\xbf",
        b"\x9f" * 10_000,
        b"\xa1" * 10_000,
        attestation[:-1],
        b"\xbb" + b"\xff" * 8,
    ):
        broken.append(good | {"response": good["response"] | {"attestationObject": text(bad)}})
    for bad in (b"", b"[" * 100_000, b'{"type": 1}', b"\xff\xfe"):
        broken.append(good | {"response": good["response"] | {"clientDataJSON": text(bad)}})
    return broken


@pytest.mark.parametrize("credential", hostile())
def test_whatever_else_a_browser_sends_does_not_hold(
    device: Device, credential: dict[str, Any]
) -> None:
    assert CHECK.made(credential, CHALLENGE, SITE) is None
    assert CHECK.shown(credential, CHALLENGE, SITE, a_passkey(device)) is None
    assert chosen(credential, (a_passkey(device),)) is None


def test_options_say_who_where_and_what_is_there_already(device: Device) -> None:
    passkey = replace(a_passkey(device), transports=("usb",))
    options = options_to_make(SITE, "Posthorn", USER, CHALLENGE, (passkey,))
    assert options["rp"] == {"id": "localhost", "name": "Posthorn"}
    assert options["user"]["name"] == "ada@acme.example"
    assert bytes_of(options["user"]["id"]) == USER.id.encode()
    named = {"type": "public-key", "id": text_of(device.credential), "transports": ["usb"]}
    assert options["excludeCredentials"] == [named]
    assert options["attestation"] == "none"
    asked = options_to_show(SITE, CHALLENGE, (passkey, replace(passkey, transports=())))
    assert asked["allowCredentials"] == [named, {"type": "public-key", "id": named["id"]}]
    assert bytes_of(asked["challenge"]) == CHALLENGE


@pytest.mark.parametrize(
    ("public_url", "site"),
    [
        ("http://127.0.0.1:8000", Site("localhost", ("http://localhost:8000",))),
        ("http://localhost", Site("localhost", ("http://localhost",))),
        ("http://[::1]:81", Site("localhost", ("http://localhost:81",))),
        ("https://mail.example", Site("mail.example", ("https://mail.example",))),
        (
            "https://www.mail.example:8443",
            Site("mail.example", ("https://www.mail.example:8443", "https://mail.example")),
        ),
        (
            "http://10.0.0.1:80",
            Site("mail.example", ("http://10.0.0.1:80", "https://mail.example")),
        ),
    ],
)
def test_whose_passkeys_are(public_url: str, site: Site) -> None:
    assert site_of("mail.example", public_url) == site
