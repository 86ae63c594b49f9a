"""Tables of the past: new ones made by point-in-time recovery, and what such a table lacks at first.

DynamoDB restores items and indexes into a table of another name. Tags, stream, lifetime and recovery itself do not come
along. Each step may be done again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from infra.current_state import TAG
from infra.recovery import switch_on
from infra.stack import Pace, Say
from infra.targets import WrongOrder

READY = "posthorn:ready"  # a tag: what waited is held, and the table may serve
_ABSENT = {"ResourceNotFoundException", "TableNotFoundException"}
_STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


def window_of(client: Any, table: str) -> tuple[datetime, datetime]:
    """From when to when the table can be restored; WrongOrder when its recovery is off."""
    answer = client.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    found = answer.get("PointInTimeRecoveryDescription", {})
    if found.get("PointInTimeRecoveryStatus") != "ENABLED":
        raise WrongOrder(f"point-in-time recovery of {table} is off: nothing of it can be restored")
    return found["EarliestRestorableDateTime"], found["LatestRestorableDateTime"]


def check_moment(table: str, window: tuple[datetime, datetime], moment: datetime) -> None:
    """WrongOrder for a moment at which the table cannot be had any more, or not yet."""
    earliest, latest = window
    # What is newest is told in whole seconds.
    if not earliest <= moment <= latest + timedelta(seconds=1):
        span = f"from {moment_text(earliest)} to {moment_text(latest)}"
        raise WrongOrder(f"{table} can be restored {span}, not at {moment_text(moment)}")


def restore(client: Any, source: str, target: str, moment: datetime | None, say: Say) -> None:
    """Begin to make the table, as of a moment or of the newest that can be had; nothing when it is there."""
    if _described(client, target):
        say(f"{target} is there already")
        return
    when: dict[str, Any] = (
        {"RestoreDateTime": moment} if moment else {"UseLatestRestorableTime": True}
    )
    client.restore_table_to_point_in_time(
        SourceTableName=source,
        TargetTableName=target,
        BillingModeOverride="PAY_PER_REQUEST",
        **when,
    )
    say(f"restoring {source} into {target}")


def wait(client: Any, table: str, pace: Pace, sleep: Callable[[float], None] = time.sleep) -> str:
    """Until the table can be used; its ARN. WrongOrder when that takes too long."""
    until = time.monotonic() + pace.patience
    while (found := _described(client, table)) is None or found["TableStatus"] != "ACTIVE":
        if time.monotonic() > until:
            raise WrongOrder(f"{table} is not there yet; run this again, and it goes on")
        sleep(pace.pause)
    return str(found["TableArn"])


def complete(client: Any, table: str, prefix: str, pace: Pace) -> str:
    """Give a restored table what it lacks; the ARN of its stream, which the table of messages alone needs."""
    arn = wait(client, table, pace)
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": TAG, "Value": prefix}])
    lifetime = {"AttributeName": "x", "Enabled": True}
    _unless_it_is_so(client.update_time_to_live, TableName=table, TimeToLiveSpecification=lifetime)
    switch_on(client, table)
    _unless_it_is_so(client.update_table, TableName=table, StreamSpecification=_STREAM)
    wait(client, table, pace)
    return str((_described(client, table) or {}).get("LatestStreamArn", ""))


def is_ready(client: Any, table: str) -> bool:
    """Whether what waited in it has been held."""
    found = _described(client, table)
    if not found:
        return False
    tags = client.list_tags_of_resource(ResourceArn=found["TableArn"]).get("Tags", ())
    return any(one["Key"] == READY for one in tags)


def tell_ready(client: Any, table: str, held: int) -> None:
    """Note that it has."""
    found = _described(client, table) or {}
    client.tag_resource(ResourceArn=found["TableArn"], Tags=[{"Key": READY, "Value": str(held)}])


def _unless_it_is_so(change: Callable[..., Any], **asked: Any) -> None:
    """DynamoDB calls it a wrong request to ask for what is so already."""
    try:
        change(**asked)
    except ClientError as error:
        if error.response["Error"].get("Code") != "ValidationException":
            raise


def _described(client: Any, table: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = client.describe_table(TableName=table)["Table"]
    except ClientError as error:
        if error.response["Error"].get("Code") in _ABSENT:
            return None
        raise
    return found


def moment_text(moment: datetime) -> str:
    """As it is given."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
