"""The whole-path benchmark with twenty messages: its rows, its targets, and the comparison with Haraka."""

from __future__ import annotations

import pytest

from bench import path, relay
from bench.table import Row
from bench.whole_path import whole_path
from chalicelib.config import Settings
from tests.aws_backend import aws_backend, aws_settings

__all__ = ["aws_backend", "aws_settings"]
pytestmark = [pytest.mark.aws, pytest.mark.slow]


def test_twenty_messages(aws_settings: Settings) -> None:
    earlier = [
        Row(f"relay, {relay.HARAKA}", 5.0, "CPU ms/msg"),
        Row("accept 4 KiB, gateway", 0.1, "CPU ms/msg"),
    ]
    with whole_path(aws_settings) as whole:
        rows = {row.name: row for row in path.measure(whole, 1, 16, 4, earlier)}
    smtp, http = "path, SMTP in commits of 64", "path, HTTP one by one"
    assert rows[f"{smtp}, s3.GetObject"].value <= 2 / 16
    assert rows[f"{http}, s3.GetObject"].value == 1
    assert rows[f"{smtp}, s3.PutObject"].value == 1 / 16
    assert rows[f"{http}, s3.PutObject"].value == 1
    assert rows[f"{smtp}, AWS calls"].target == "<= 4.5"
    compared = rows["path with gateway, to Haraka"]
    delivering, accepting = rows[f"{smtp}, delivering"].value, rows[f"{smtp}, accepting"].value
    assert compared.value == pytest.approx(delivering + accepting + 0.1)
    assert compared.ratio == pytest.approx(compared.value / 5.0)
