"""A delivery is read from its item as clients give it and as streams do."""

from __future__ import annotations

from base64 import b64encode

import pytest

from chalicelib.adapters.aws.dynamo.records import delivery_map, read_delivery
from tests.fakes import a_delivery

SAID = b"\x01\x00\xff said"


@pytest.mark.parametrize("said", [None, SAID])
def test_what_was_said_is_bytes_or_base64(said: bytes | None) -> None:
    delivery = a_delivery(3, conversation=said)
    item = delivery_map(delivery)["M"]
    assert read_delivery(item) == delivery
    told = {
        name: {"B": b64encode(value["B"]).decode()} if "B" in value else value
        for name, value in item.items()
    }
    assert read_delivery(told) == delivery
