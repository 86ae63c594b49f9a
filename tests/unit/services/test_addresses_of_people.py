"""One spelling of an address for each person, and never that of somebody else."""

from __future__ import annotations

import pytest

from chalicelib.domain.errors import InvalidRequest
from chalicelib.services.people.addresses import checked_email, known_as


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Ada@Acme.Example", "ada@acme.example"),
        (" ada@acme.example\n", "ada@acme.example"),
        ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
        ("ÉVA@acme.example", "éva@acme.example"),
        ("mi\u212ae@acme.example", "mi\u212ae@acme.example"),
        ("ada@acme\uff0eexample", "ada@acme.example"),
        ("ada@\u212aelvin.example", "ada@kelvin.example"),
    ],
)
def test_kept_and_looked_up_alike(typed: str, kept: str) -> None:
    assert (checked_email(typed), known_as(typed)) == (kept, kept)


@pytest.mark.parametrize("typed", ["", "ada", "Ada <ada@acme.example>", "a@b.example,c@d.example"])
def test_what_is_no_address_is_nobodys(typed: str) -> None:
    with pytest.raises(InvalidRequest):
        checked_email(typed)
    assert known_as(typed) == typed.lower()
