"""Recovery codes: ten of them, each once, however they are typed; nothing kept shows one."""

from __future__ import annotations

import pytest

from chalicelib.domain.people.recovery_codes import (
    CODES,
    RANDOM_BYTES,
    SALT_BYTES,
    digests_of,
    new_codes,
    without,
)

CHANCE = bytes(range(RANDOM_BYTES))
SALT = b"s" * SALT_BYTES


def test_ten_codes_of_letters_that_nobody_confuses() -> None:
    codes = new_codes(CHANCE)
    assert len(set(codes)) == CODES
    assert all(len(code) == 11 and code[5] == "-" for code in codes)
    assert not set("".join(codes)) & set("ilou")
    assert new_codes(CHANCE[::-1]) != codes


@pytest.mark.parametrize("count", [0, RANDOM_BYTES - 1, RANDOM_BYTES + 1])
def test_codes_are_of_so_much_chance_and_no_less(count: int) -> None:
    with pytest.raises(ValueError, match="random bytes"):
        new_codes(b"x" * count)


def test_each_works_once() -> None:
    codes = new_codes(CHANCE)
    kept = digests_of(codes, SALT)
    assert not any(code.replace("-", "") in text for code in codes for text in kept)
    left = without(kept, codes[3])
    assert left is not None
    assert len(left) == CODES - 1
    assert without(left, codes[3]) is None
    assert without(left, codes[4]) == tuple(one for one in left if one != kept[4])
    assert without((), codes[0]) is None


def test_a_code_may_be_typed_as_people_do() -> None:
    kept = digests_of(["01abc-d1e0f"], SALT)
    for typed in ("01ABCD1E0F", " oiabc d L e O f ", "o1a-bc-dle-0f"):
        assert without(kept, typed) == ()


@pytest.mark.parametrize("typed", ["", "-", "01abc", "01abc-d1e0g", "ü1abc-d1e0f", "0" * 100_000])
def test_what_is_none_of_them_is_wrong(typed: str) -> None:
    assert without(digests_of(["01abc-d1e0f"], SALT), typed) is None


def test_other_salts_make_other_digests() -> None:
    one, other = digests_of(["01abc-d1e0f"], SALT), digests_of(["01abc-d1e0f"], b"t" * SALT_BYTES)
    assert one[0].partition(".")[2] != other[0].partition(".")[2]
