"""Under which address mail of others is forwarded, and whom such an address stands for."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.durations import DAY
from chalicelib.domain.incoming.srs import DAYS, Original, is_srs, original, rewritten
from chalicelib.domain.numbering import ServerId

KEY = b"k" * 32
NOW = 1_800_000_000.0
SERVER = ServerId(4711)
DOMAIN = "rp.posthorn.example"


def forwarded(mail_from: str, server: ServerId = SERVER, now: float = NOW) -> str:
    found = rewritten(mail_from, server, DOMAIN, KEY, now)
    assert found is not None
    local, _, domain = found.rpartition("@")
    assert domain == DOMAIN
    assert len(local.encode()) <= 64
    return local


@pytest.mark.parametrize(
    "mail_from",
    ["john@away.example", "j=o+x@a.example", "Jörg@away.example", "a-b_c.d@xn--fsq.example"],
)
@pytest.mark.parametrize("server", [0, 1, 31, 32, 4711, (1 << 22) - 1])
def test_an_address_leads_back(mail_from: str, server: int) -> None:
    local = forwarded(mail_from, ServerId(server))
    assert local.startswith("SRS0=")
    assert is_srs(local)
    assert original(local, KEY, NOW) == Original(ServerId(server), mail_from)


def test_the_case_of_letters_does_not_count() -> None:
    local = forwarded("John@Away.Example")
    for folded in (local.lower(), local.upper(), local.swapcase()):
        found = original(folded, KEY, NOW)
        assert found is not None
        assert found.address.lower() == "john@away.example"


@pytest.mark.parametrize(
    ("sender", "other"),
    [("sissy", "\u017fi\u017f\u017fy"), ("straße", "strasse"), ("\ufb01n", "fin")],
)
def test_another_mailbox_that_folds_alike_was_not_signed(sender: str, other: str) -> None:
    for one, two in ((sender, other), (other, sender)):
        local = forwarded(f"{one}@away.example")
        assert original(local, KEY, NOW) is not None
        assert original(local.replace(one, two), KEY, NOW) is None


def test_one_of_another_forwarder_leads_back_to_that_one() -> None:
    local = forwarded("SRS0=HHH=TT=away.example=john@first.example")
    assert local.startswith("SRS1=")
    assert local.endswith("=first.example==HHH=TT=away.example=john")
    found = original(local, KEY, NOW)
    assert found == Original(SERVER, "SRS0=HHH=TT=away.example=john@first.example")


@pytest.mark.parametrize("separator", "=+-")
def test_behind_two_forwarders_it_leads_to_the_first(separator: str) -> None:
    second = f"SRS1=XYZ=first.example={separator}HHH=TT=a.example=j@second.example"
    found = original(forwarded(second), KEY, NOW)
    assert found == Original(SERVER, f"SRS0{separator}HHH=TT=a.example=j@first.example")


def test_our_own_address_comes_round_twice() -> None:
    ours = forwarded("j@a.example") + "@rp.test"
    again = original(forwarded(ours), KEY, NOW)
    assert again is not None
    assert original(again.address.rpartition("@")[0], KEY, NOW) == Original(SERVER, "j@a.example")


@pytest.mark.parametrize("mail_from", ["john@away.example", "SRS0=H=T=a.example=j@first.example"])
@pytest.mark.parametrize("into_the_day", [0.0, 1.0, DAY / 2, DAY - 1.0])
def test_it_is_good_for_nine_days_at_least_and_ten_at_most(
    mail_from: str, into_the_day: float
) -> None:
    made = NOW // DAY * DAY + into_the_day
    local = forwarded(mail_from, now=made)
    assert original(local, KEY, made)
    assert original(local, KEY, made + 9 * DAY)
    assert original(local, KEY, made + DAYS * DAY - into_the_day - 1)
    for late in (DAYS * DAY - into_the_day, DAYS * DAY, 10.04 * DAY, 1_000 * DAY, -DAY):
        assert original(local, KEY, made + late) is None


@pytest.mark.parametrize("mail_from", ["john@away.example", "SRS0=H=T=a.example=j@first.example"])
def test_whatever_is_changed_makes_it_none(mail_from: str) -> None:
    local = forwarded(mail_from)
    for at in range(5, len(local)):
        for other in "a7=-é":
            changed = local[:at] + other + local[at + 1 :]
            if changed.lower() != local.lower():
                assert original(changed, KEY, NOW) is None, changed
    assert original(local, b"x" * 32, NOW) is None


@pytest.mark.parametrize(
    "mail_from",
    [
        "",
        "nobody",
        '"john doe"@away.example',
        "a" * 40 + "@away.example",
        "j@" + "a" * 50 + ".example",
        "a@b\r\nRCPT TO:<x>",
        "SRS0=HHHHHHHHHHHH=TT=a-long-name.example=somebody@forwarder.example",
    ],
)
def test_some_senders_have_none(mail_from: str) -> None:
    assert rewritten(mail_from, SERVER, DOMAIN, KEY, NOW) is None


@pytest.mark.parametrize(
    "local",
    [
        "",
        "srs0",
        "SRS0=",
        "SRS0====",
        "SRS1=a=b==",
        "SRS0=" + "=" * 59,
        "SRS0=\ud800=aa=b=c",
        "SRS0=aaaaaaaa\x00=aa=b.example=c",
        "SRS0=aaaaaaaab=aa=b.example=c\r\nX",
        "bounce",
        "\u017frs0=aaaaaaaab=aa=b.example=c",
    ],
)
def test_other_texts_are_none(local: str) -> None:
    assert original(local, KEY, NOW) is None


@given(st.text(max_size=100))
def test_any_text_can_be_asked_about(text: str) -> None:
    assert original(text, KEY, NOW) is None
    assert original(f"SRS0={text}", KEY, NOW) is None
    found = rewritten(text, SERVER, DOMAIN, KEY, NOW)
    assert found is None or original(found.rpartition("@")[0], KEY, NOW)


@pytest.mark.parametrize(
    "text", ["=" * 1_000_000, "SRS0" + "=a" * 500_000, "SRS1=" + "=" * 999_990]
)
def test_long_texts_take_no_time(text: str) -> None:
    began = time.perf_counter()
    assert original(text, KEY, NOW) is None
    assert rewritten(text + "@a.example", SERVER, DOMAIN, KEY, NOW) is None
    assert time.perf_counter() - began < 0.1
