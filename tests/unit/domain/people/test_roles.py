"""What the roles of members may do, each more than the one below."""

from __future__ import annotations

from itertools import pairwise

from chalicelib.domain.people.roles import Role, is_lower, reads_content, scopes_of
from chalicelib.domain.tenancy.scopes import Reach, granted, within


def held(role: Role) -> frozenset[str]:
    """All that its scopes stand for."""
    return granted(scopes_of(role), Reach.ORGANIZATION)


def test_each_role_has_what_the_one_below_has_and_more() -> None:
    for lower, higher in pairwise(Role):
        assert is_lower(lower, higher)
        assert not is_lower(higher, lower)
        assert held(lower) <= held(higher)
    assert held(Role.VIEWER) < held(Role.MEMBER) < held(Role.ADMIN)


def test_what_a_viewer_sees_is_neither_the_log_nor_the_installation() -> None:
    scopes = held(Role.VIEWER)
    assert {scope.partition(":")[2] for scope in scopes} == {"read"}
    assert "audit:read" not in scopes
    assert not any(scope.startswith("installation") for scope in scopes)
    assert len(scopes) == 8


def test_an_owner_has_all_that_an_organization_has() -> None:
    assert held(Role.OWNER) == set(within(Reach.ORGANIZATION))
    assert "people:write" in held(Role.ADMIN)
    assert "people:write" not in held(Role.MEMBER)


def test_content_is_read_as_chosen_or_as_the_role_has_it_and_by_owners_always() -> None:
    assert [reads_content(role, None) for role in Role] == [False, True, True, True]
    assert [reads_content(role, True) for role in Role] == [True] * 4
    assert [reads_content(role, False) for role in Role] == [False, False, False, True]
