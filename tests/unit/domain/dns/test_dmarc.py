"""Where a DMARC record is looked for: the tree walk of RFC 9989."""

from __future__ import annotations

import pytest

from chalicelib.domain.dns.dmarc import records_among, walk


@pytest.mark.parametrize(
    ("domain", "names"),
    [
        ("acme.example", ["acme.example", "example"]),
        ("a.b.c.example", ["a.b.c.example", "b.c.example", "c.example", "example"]),
        ("1.2.3.4.5.6.7.8", ["1.2.3.4.5.6.7.8", "2.3.4.5.6.7.8", "3.4.5.6.7.8", "4.5.6.7.8",
                             "5.6.7.8", "6.7.8", "7.8", "8"]),
        ("0.a.1.2.3.4.5.6.7.8", ["0.a.1.2.3.4.5.6.7.8", "2.3.4.5.6.7.8", "3.4.5.6.7.8", "4.5.6.7.8",
                                 "5.6.7.8", "6.7.8", "7.8", "8"]),
    ],
)  # fmt: skip
def test_the_domain_is_asked_first_and_then_its_parents(domain: str, names: list[str]) -> None:
    assert list(walk(domain)) == [f"_dmarc.{name}" for name in names]


def test_a_record_says_first_what_it_is() -> None:
    right = ["v=DMARC1; p=none", "v=DMARC1;p=reject", "v = DMARC1 ; rua=mailto:a@b", "v=DMARC1"]
    wrong = ["p=none; v=DMARC1", "v=DMARC10; p=none", "V=dmarc1; p=none", " v=DMARC1", "", "x"]
    assert records_among([*right, *wrong]) == tuple(right)
