"""Places for requests to webhooks: nobody has more than a share, and what is given back is free again."""

from __future__ import annotations

import pytest

from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.services.webhooks.places import (
    MOST,
    MOST_OF_A_SERVER,
    MOST_OF_AN_ORGANIZATION,
    MOST_SLOW,
    MOST_SLOW_OF_A_SERVER,
    MOST_SLOW_OF_AN_ORGANIZATION,
    LanePlace,
    Places,
    Tenant,
)


def tenant(organization: int, server: int) -> Tenant:
    return Tenant(OrganizationId(organization), ServerId(server))


def filled(places: Places, one: Tenant, *, is_slow: bool) -> list[LanePlace]:
    """All places that lanes of a tenant find."""
    found = []
    while (place := places.enter(one, is_slow=is_slow)) is not None:
        found.append(place)
    return found


@pytest.mark.parametrize(
    ("is_slow", "of_server", "of_organization", "most"),
    [
        (False, MOST_OF_A_SERVER, MOST_OF_AN_ORGANIZATION, MOST),
        (True, MOST_SLOW_OF_A_SERVER, MOST_SLOW_OF_AN_ORGANIZATION, MOST_SLOW),
    ],
)
def test_servers_and_organizations_have_their_shares(
    *, is_slow: bool, of_server: int, of_organization: int, most: int
) -> None:
    places = Places()
    taken = filled(places, tenant(1, 1), is_slow=is_slow)
    assert len(taken) == of_server
    for server in (2, 3, 4):
        taken += filled(places, tenant(1, server), is_slow=is_slow)
    assert len(taken) == of_organization
    for organization in (2, 3, 4):
        for server in range(4):
            taken += filled(
                places, tenant(organization, 10 * organization + server), is_slow=is_slow
            )
    assert len(taken) == places.taken == most
    for place in taken:
        place.leave()
    assert places.taken == 0
    assert len(filled(places, tenant(1, 1), is_slow=is_slow)) == of_server


def test_one_organization_leaves_places_to_others() -> None:
    places = Places()
    for server in range(8):
        filled(places, tenant(1, server), is_slow=False)
    other = places.enter(tenant(2, 9), is_slow=False)
    assert other is not None
    assert other.more(9) == 9


def test_a_slow_lane_takes_more_of_what_slow_ones_have() -> None:
    places = Places()
    place = places.enter(tenant(1, 1), is_slow=True)
    assert place is not None
    assert place.more(9) == MOST_SLOW_OF_A_SERVER - 1
    assert places.enter(tenant(1, 1), is_slow=True) is None
    assert places.enter(tenant(1, 1), is_slow=False) is not None
    place.give_back(MOST_SLOW_OF_A_SERVER - 1)
    assert places.enter(tenant(1, 1), is_slow=True) is not None
