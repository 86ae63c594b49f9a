"""How much is stored, by table and kind of file, noun and kind of item: what has to stay the same when mail does."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.sqlite.control import ControlDatabase
from chalicelib.adapters.sqlite.database import Database, fetched
from chalicelib.adapters.sqlite.kept import TABLES
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.adapters.sqlite.search_schema import SearchDatabase
from chalicelib.bootstrap import Posthorn

BLOCK = 512
_DATABASES: dict[str, type[Database]] = {
    "mail.db": MailDatabase,
    "control.db": ControlDatabase,
    "search.db": SearchDatabase,
}


def sizes_of_host(program: Posthorn, folder: Path) -> dict[str, int]:
    """Rows of each table, nouns of each kind, and of each kind of file the number and the kilobytes that they take."""
    found: dict[str, int] = {}
    for table in TABLES:
        database = program[_DATABASES[table.database]]
        statement = f"SELECT count(*) FROM {table.name}"  # noqa: S608  # a name of ours
        ((rows,),) = database.read(lambda db, text=statement: fetched(db, text))  # type: ignore[misc]
        found[f"rows {table.database} {table.name}"] = rows
    for kind, rows in program[ControlDatabase].read(
        lambda db: fetched(db, "SELECT kind, count(*) FROM nouns GROUP BY kind")
    ):
        found[f"nouns {kind}"] = rows
    for path in folder.rglob("*"):
        kind = path.name if path.parent == folder else path.relative_to(folder).parts[0]
        what = "folders" if path.is_dir() else "files"
        found[f"{what} {kind}"] = found.get(f"{what} {kind}", 0) + 1
        kilobytes = path.stat().st_blocks * BLOCK // 1_024
        found[f"kB {kind}"] = found.get(f"kB {kind}", 0) + kilobytes
    return found


async def sizes_on_aws(program: Posthorn, now: float) -> dict[str, int]:
    """Items of each kind that have not ended, and objects of each folder of the bucket."""
    found: Counter[str] = Counter()
    session, settings = program[AwsSession], program.settings
    for table in (settings.mail_table, settings.control_table):
        async for item in _items(session, table):
            if "x" not in item or float(item["x"]["N"]) > now:
                found[f"items {_kind(item)}"] += 1
    asked: dict[str, Any] = {"Bucket": settings.bucket}
    while True:
        answer = await session.call("s3", "list_objects_v2", **asked)
        for one in answer.get("Contents", ()):
            found[f"objects {one['Key'].partition('/')[0]}"] += 1
        if not answer.get("IsTruncated"):
            return dict(found)
        asked["ContinuationToken"] = answer["NextContinuationToken"]


async def _items(session: AwsSession, table: str) -> Any:
    asked: dict[str, Any] = {"TableName": table}
    while True:
        answer = await session.call("dynamodb", "scan", **asked)
        for item in answer["Items"]:
            yield item
        if "LastEvaluatedKey" not in answer:
            return
        asked["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _kind(item: dict[str, Any]) -> str:
    """The words of a key, without what is different in each."""
    words = [*item["PK"]["S"].split("#"), "|", *item["SK"]["S"].split("#")]
    return " ".join(one for one in words if one == "|" or (one.isalpha() and len(one) < 12))
