"""Looks for an address in what an installation has stored, outside the product: it knows files, SQLite, DynamoDB, S3,
Parquet and how bytes are packed, and imports nothing of what it judges.

`.venv/bin/python -m tests.erased FOLDER ADDRESS` looks through a state folder and exits 1 where it finds something.
"""

from __future__ import annotations

import ast
import base64
import quopri
import sqlite3
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Payloads of webhooks are packed with the words that most of them have, which stand in the source.
_WORDS = Path(__file__).parents[1] / "chalicelib/adapters/aws/dynamo/packed.py"


def holds(data: bytes, address: str) -> bool:
    """Whether bytes hold an address: plain, packed, quoted-printable or in base64 at any place of it."""
    return any(_plainly(one, address) for one in (data, *_unpacked(data)))


def in_folder(folder: Path, address: str) -> list[str]:
    """Where a state folder has it: files as they lie, with free pages and logs, and every value of every table."""
    found = []
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        if _plainly(path.read_bytes(), address):
            found.append(path.relative_to(folder).as_posix())
    for path in sorted(folder.glob("*.db")):
        found += [f"{path.name} {place}" for place in _in_database(path, address)]
    return found


def in_aws(dynamodb: Any, s3: Any, tables: list[str], bucket: str, address: str) -> list[str]:
    """Where tables and a bucket have it: every attribute of every item, every object and each of its versions."""
    found = []
    for table in tables:
        for page in dynamodb.get_paginator("scan").paginate(TableName=table):
            for item in page["Items"]:
                if any(holds(one, address) for one in _values(item)):
                    found.append(f"{table} {item['PK']['S']} {item['SK']['S']}")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for one in page.get("Versions", ()):
            body = s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()
            if holds(body, address) or any(_plainly(text, address) for text in _of_parquet(body)):
                found.append(one["Key"])
    return found


def in_queue(sqs: Any, url: str, address: str) -> list[str]:
    """Which messages of a queue have it; all are given back."""
    seen: dict[str, dict[str, Any]] = {}
    while True:
        answer = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=60, WaitTimeSeconds=1
        )
        found = {one["MessageId"]: one for one in answer.get("Messages", ())}
        if not found.keys() - seen.keys():
            break
        seen |= found
    for one in seen.values():
        receipt = one["ReceiptHandle"]
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=0)
    return [
        f"{url.rpartition('/')[2]} {name}"
        for name, one in seen.items()
        if holds(one["Body"].encode(), address)
    ]


def _in_database(path: Path, address: str) -> Iterator[str]:
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        names = db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
        ).fetchall()
        for (name,) in names:
            for row in db.execute(f"SELECT * FROM {name}"):  # noqa: S608  # the schema's own name
                texts = [one.encode() if isinstance(one, str) else one for one in row]
                if any(holds(one, address) for one in texts if isinstance(one, bytes)):
                    yield f"{name} {row[0]}"


def _of_parquet(data: bytes) -> Iterator[bytes]:
    """Every value of a Parquet object, as text."""
    if data[:4] != b"PAR1":
        return
    from pyarrow import BufferReader
    from pyarrow.parquet import read_table

    for column in read_table(BufferReader(data)).columns:
        for value in column.to_pylist():
            yield str(value).encode()


def _values(value: Any) -> Iterator[bytes]:
    """Every text and every bytes in an item, however deep."""
    if isinstance(value, dict):
        for one in value.values():
            yield from _values(one)
    elif isinstance(value, list):
        for one in value:
            yield from _values(one)
    elif isinstance(value, str):
        yield value.encode()
    elif isinstance(value, bytes):
        yield value


def _unpacked(data: bytes) -> Iterator[bytes]:
    for wbits, dictionary, skipped in ((15, b"", 0), (47, b"", 0), (-15, _words(), 1)):
        try:
            opened = (
                zlib.decompressobj(wbits, dictionary) if dictionary else zlib.decompressobj(wbits)
            )
            yield opened.decompress(data[skipped:]) + opened.flush()
        except zlib.error:
            continue


def _words() -> bytes:
    for node in ast.parse(_WORDS.read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_FIRST":
            found: bytes = ast.literal_eval(node.value)
            return found
    raise LookupError("the words of payloads")


def _plainly(data: bytes, address: str) -> bool:
    wanted = address.lower().encode()
    if wanted in data.lower() or wanted in quopri.decodestring(data).lower():
        return True
    # Of base64 the first and last letters depend on what stands beside.
    joined = data.replace(b"\r", b"").replace(b"\n", b"")
    return any(
        base64.b64encode(b"\0" * shift + one)[4 if shift else 0 : -4] in joined
        for shift in range(3)
        for one in {wanted, address.encode()}
    )


if __name__ == "__main__":
    places = in_folder(Path(sys.argv[1]), sys.argv[2])
    sys.stdout.write("".join(f"{one}\n" for one in places))
    sys.exit(1 if places else 0)
