"""What lies between the two pages of a sign-in: it ends, it fits into a cookie, and it may be anything at all."""

from __future__ import annotations

import base64
import json
import zlib
from random import Random
from typing import Any

import pytest

from chalicelib.domain.people.passkeys import MOST_PASSKEYS
from chalicelib.web.asked_factor import packed, unpacked
from chalicelib.web.flash import Flash, read, written
from tests.page_browser import Browser, cookie_name
from tests.worlds import Scene

BROWSERS_KEEP = 4_096


def asked(passkeys: int, octets: int) -> dict[str, Any]:
    """What is asked of somebody with so many passkeys, whose ids are so long and cannot be packed."""
    chance = Random(7)
    ids = [base64.urlsafe_b64encode(chance.randbytes(octets)).decode() for _ in range(passkeys)]
    described = [
        {"type": "public-key", "id": one, "transports": ["internal", "hybrid"]} for one in ids
    ]
    challenge = {"challenge": "c" * 43, "rpId": "localhost", "allowCredentials": described}
    return {"ticket": "t" * 32, "methods": ["totp", "passkey"], "challenge": challenge}


@pytest.mark.parametrize("octets", [16, 32, 64, 100])
def test_as_many_passkeys_as_one_may_have_fit_into_a_cookie(octets: int) -> None:
    text = packed(asked(MOST_PASSKEYS, octets))
    assert len(text) < BROWSERS_KEEP - len("__Host-posthorn-asked=")
    assert unpacked(text) == asked(MOST_PASSKEYS, octets)


def test_where_not_all_passkeys_fit_those_that_do_are_asked_for() -> None:
    told = asked(MOST_PASSKEYS, 1_023)
    text = packed(told)
    assert len(text) < BROWSERS_KEEP - len("__Host-posthorn-asked=")
    found = unpacked(text)
    assert (found["ticket"], found["methods"]) == (told["ticket"], told["methods"])
    left = found["challenge"]["allowCredentials"]
    assert len(left) >= 2
    assert left == told["challenge"]["allowCredentials"][: len(left)]


@pytest.mark.parametrize(
    "held",
    [
        b"",
        b"[" * 2_000,
        b'{"methods":["totp"]}',
        b'{"methods":[{}],"ticket":"t"}',
        b'{"methods":"totp","ticket":"t","challenge":null}',
        b'{"methods":["totp"],"ticket":5,"challenge":null}',
        b'{"methods":["passkey"],"ticket":"t","challenge":[1]}',
        b"[" * 20_000_000,
    ],
)
async def test_what_we_did_not_write_is_not_asked_for(scene: Scene, held: bytes) -> None:
    text = base64.urlsafe_b64encode(zlib.compress(held)).decode().rstrip("=")
    assert unpacked(text) == {}
    browser = Browser(scene.posthorn, {cookie_name(scene.posthorn, "posthorn-asked"): text})
    assert (await browser.get("/login/second")).path == "/login"


@pytest.mark.parametrize("text", ["!", "é", "AAAA", "a" * 5])
def test_what_is_no_text_of_ours_holds_nothing(text: str) -> None:
    assert unpacked(text) == {}
    assert read(text) is None


async def test_a_code_that_comes_after_the_time_leads_to_the_beginning(scene: Scene) -> None:
    browser = Browser(scene.posthorn)
    form = await browser.get("/login?return_to=/settings")
    fields = {"csrf": form.form("Sign in").fields["csrf"], "totp": "123456"}
    shown = await browser.post("/login/second", {**fields, "return_to": "/settings"})
    assert (shown.status, shown.path) == (200, "/login?return_to=%2Fsettings")
    assert "That took too long" in shown.text


@pytest.mark.parametrize(
    "said", ["[" * 60_000, "[1]", "NaN", '{"id":"\\ud800"}', '{"id":NaN}', "5"]
)
async def test_what_no_browser_makes_is_no_passkey(scene: Scene, said: str) -> None:
    held = packed({"ticket": "t" * 32, "methods": ["passkey"], "challenge": {"challenge": "c"}})
    browser = Browser(scene.posthorn, {cookie_name(scene.posthorn, "posthorn-asked"): held})
    form = await browser.get("/login/second")
    fields = {**form.forms[0].fields, "credential": said}
    shown = await browser.send("/login/second", fields)
    assert (shown.status, shown.title[:6]) == (422, "Error:")
    assert "ticket" not in shown.text


@pytest.mark.parametrize("text", ["x" * 5_000, "😀" * 5_000, "\x01" * 5_000, "ü" * 1_500])
def test_a_long_sentence_is_cut_and_not_lost(text: str) -> None:
    undo = (("note", text), ("address", "bob@example.com"))
    kept = written(Flash(text, undo="/settings", fields=undo))
    assert len(kept) < BROWSERS_KEEP - len("__Host-posthorn-flash=")
    shown = read(kept)
    assert shown is not None
    assert text.startswith(shown.text)
    assert (len(shown.text) >= 400, shown.undo) == (True, "")


def test_a_sentence_that_fits_keeps_what_undoes_it() -> None:
    flash = Flash("bob is suppressed", "good", "/settings", (("note", "Grüße"),))
    assert read(written(flash)) == flash


def test_a_flash_that_nests_deeply_is_none() -> None:
    deep = json.dumps(["x", "good", "", []]).replace("[]", "[" * 2_500)
    assert read(base64.urlsafe_b64encode(deep.encode()).decode().rstrip("=")) is None
