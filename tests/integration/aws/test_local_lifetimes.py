"""The local stack switches lifetimes on where the emulator passes the template's word over."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from infra.local.prepare import end_items
from tests.aws_backend import Backend

pytestmark = pytest.mark.aws


def test_both_tables_get_lifetimes(aws_backend: Backend) -> None:
    names = aws_backend.settings()
    client: Any = botocore.session.get_session().create_client("dynamodb")
    for _ in range(2):
        end_items(aws_backend.endpoint, names.mail_table, names.control_table)
        for table in (names.mail_table, names.control_table):
            told = client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
            assert told == {"TimeToLiveStatus": "ENABLED", "AttributeName": "x"}
