"""Codes of authenticator apps: the vectors of RFC 6238, and each code once and for a minute and a half."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from chalicelib.domain.people.totp import (
    STEP_SECONDS,
    code_of,
    enrolment_uri,
    seed_text,
    step_of,
)

SEED = b"12345678901234567890"
# RFC 6238 appendix B, SHA-1: the vectors have 8 digits, of which ours are the last 6.
VECTORS = [
    (59, "94287082"),
    (1_111_111_109, "07081804"),
    (1_111_111_111, "14050471"),
    (1_234_567_890, "89005924"),
    (2_000_000_000, "69279037"),
    (20_000_000_000, "65353130"),
]
# RFC 4226 appendix D: the first counters.
COUNTED = "755224 287082 359152 969429 338314 254676 287922 162583 399871 520489".split()


@pytest.mark.parametrize(("time", "code"), VECTORS)
def test_vectors_of_the_standard(time: int, code: str) -> None:
    assert code_of(SEED, time // STEP_SECONDS) == code[-6:]
    assert step_of(SEED, code[-6:], time, -1) == time // STEP_SECONDS


def test_vectors_of_the_counters() -> None:
    assert [code_of(SEED, step) for step in range(10)] == COUNTED


def test_a_code_is_taken_a_step_before_and_after_its_own() -> None:
    code = code_of(SEED, 1_000)
    taken = [at for at in range(995, 1_006) if step_of(SEED, code, at * STEP_SECONDS, -1)]
    assert taken == [999, 1_000, 1_001]


def test_a_code_works_once_and_so_does_what_came_before_it() -> None:
    now = 1_000 * STEP_SECONDS + 12.5
    before, present = code_of(SEED, 999), code_of(SEED, 1_000)
    assert step_of(SEED, present, now, 999) == 1_000
    assert step_of(SEED, present, now, 1_000) is None
    assert step_of(SEED, before, now, 1_000) is None
    assert step_of(SEED, code_of(SEED, 1_001), now, 1_000) == 1_001


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "12345",
        "1234567",
        "abcdef",
        "\uff11\uff12\uff13\uff14\uff15\uff16",
        "12345\x00",
        "\u00b2" * 6,
        "9" * 100_000,
    ],
)
def test_what_is_no_code_is_wrong(typed: str) -> None:
    assert step_of(SEED, typed, 59, -1) is None


def test_blanks_do_not_matter() -> None:
    assert step_of(SEED, " 287 082 ", 59, -1) == 1


def test_the_first_seconds_of_all_have_no_step_before_them() -> None:
    assert step_of(SEED, COUNTED[0], 0, -1) == 0


def test_an_app_reads_the_same_seed() -> None:
    assert seed_text(SEED) == "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    uri = enrolment_uri(SEED, "ada+x@acme.example", "Mail: Acme & Co")
    parts = urlsplit(uri)
    assert uri.startswith("otpauth://totp/Mail%20%20Acme%20%26%20Co%3Aada%2Bx@acme.example?")
    assert parse_qs(parts.query) == {
        "secret": [seed_text(SEED)],
        "issuer": ["Mail  Acme & Co"],
        "algorithm": ["SHA1"],
        "digits": ["6"],
        "period": ["30"],
    }
