"""A row that was brought before: what Postal changed is taken, what was changed here stays, field by field."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.postal.credentials import credential_of
from chalicelib.domain.postal.wanted import digests, merged
from tests.postal_rows import a_row, a_server


def test_each_side_keeps_what_it_changed() -> None:
    before, _ = credential_of(a_row("credentials", 1), a_server())
    after, _ = credential_of(a_row("credentials", 1, hold=1, name="other"), a_server())
    assert before is not None and after is not None
    base = digests(before.entity, before.value, before.secrets)
    here = replace(before.value, name="ours", sealed_key=b"sealed", last_used_at=1)
    found = merged(after, here, base)
    assert found.value == replace(here, hold=True)
    assert (found.taken, found.left) == (("hold",), ("name",))
    # What was left is told of again, and what was taken is known.
    again = merged(after, found.value, found.known)
    assert (again.value, again.taken, again.left) == (found.value, (), ("name",))


def test_nothing_is_told_of_what_nobody_changed() -> None:
    row, _ = credential_of(a_row("credentials", 1), a_server())
    assert row is not None
    base = digests(row.entity, row.value, row.secrets)
    used = replace(row.value, last_used_at=1, last_used_address="192.0.2.1", sealed_key=b"x")
    found = merged(row, used, base)
    assert (found.value, found.taken, found.left, found.known) == (used, (), (), base)


def test_both_sides_may_agree() -> None:
    before, _ = credential_of(a_row("credentials", 1), a_server())
    after, _ = credential_of(a_row("credentials", 1, hold=1), a_server())
    assert before is not None and after is not None
    here = replace(before.value, hold=True)
    found = merged(after, here, digests(before.entity, before.value, before.secrets))
    assert (found.value, found.taken, found.left) == (here, (), ())
    assert found.known == digests(after.entity, after.value, after.secrets)
