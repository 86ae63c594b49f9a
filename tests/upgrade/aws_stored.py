"""All that an installation on AWS has stored, taken out of an emulator and put into another."""

from __future__ import annotations

from typing import Any

from chalicelib.config import Settings
from tests.upgrade.hands import AwsHands, PlayedSession

TABLES = ("control_table", "mail_table")
BATCH = 25


def taken(settings: Settings, hands: AwsHands) -> dict[str, Any]:
    """Items, objects, wake-ups, records of the stream, and the data keys in the clear."""
    session = hands.session
    hands.look()
    return {
        "tables": {name: items(session, getattr(settings, name)) for name in TABLES},
        "objects": objects(session, settings.bucket),
        "queues": {name: lying for name, lying in session.queues.items() if lying},
        "stream": {"shard": hands.shard, "told": hands.told, "untold": hands.untold},
        "keys": [[wrapped, key] for wrapped, key in session.keys.items()],
    }


def items(session: PlayedSession, table: str) -> list[Any]:
    """Every item of a table, as it is stored."""
    pages = session.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    found = [item for page in pages for item in page["Items"]]
    return sorted(found, key=lambda one: (one["PK"]["S"], one["SK"]["S"]))


def objects(session: PlayedSession, bucket: str) -> dict[str, bytes]:
    """Every object of a bucket, by its key."""
    s3 = session.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [one["Key"] for page in pages for one in page.get("Contents", ())]
    return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def put(stored: dict[str, Any], settings: Settings, session: PlayedSession) -> None:
    """Store all of it."""
    dynamodb, s3 = session.client("dynamodb"), session.client("s3")
    for name, found in stored["tables"].items():
        table = getattr(settings, name)
        for start in range(0, len(found), BATCH):
            requests = [{"PutRequest": {"Item": one}} for one in found[start : start + BATCH]]
            left = dynamodb.batch_write_item(RequestItems={table: requests})["UnprocessedItems"]
            assert not left
    for key, content in stored["objects"].items():
        s3.put_object(Bucket=settings.bucket, Key=key, Body=content)
    session.keys |= dict(stored["keys"])
    for name, lying in stored["queues"].items():
        session.queues[name] += [(due, body) for due, body in lying]
