"""Whether a table's past is kept. On AWS the data template says so; CloudFormation of emulators leaves that out."""

from __future__ import annotations

from typing import Any


def switch_on(client: Any, table: str) -> None:
    """Have a table's past kept from now on, for as long as AWS does: 35 days."""
    client.update_continuous_backups(
        TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
