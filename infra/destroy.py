"""`make destroy`: removes an installation, and asks first when that would remove mail.

Stacks go in the reverse order of their making, then what the data template retains: tables, buckets, and the key,
which KMS keeps for its waiting time. Elastic IPs stay, and are named: they have a reputation. When a table or the mail
bucket holds anything, nothing is touched unless a person at the terminal types the prefix, or CONFIRM names it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.stack import StackFailed, remove
from infra.targets import (
    KINDS,
    PREFIXES,
    Target,
    WrongOrder,
    find_target,
    one_line,
    outputs_of,
    stacks_of,
)
from infra.ways_out import kept_addresses

Say = Callable[[str], None]

KEY_WAITS_DAYS = 30
GONE = {
    "ResourceNotFoundException",
    "NoSuchBucket",
    "404",
    "NotFound",
    "NotFoundException",
    "KMSInvalidStateException",
}


@dataclass(frozen=True, slots=True)
class Holdings:
    """What an installation has that deleting its stacks leaves: names, and which of them hold something."""

    tables: tuple[str, ...]
    buckets: tuple[str, ...]
    key: str
    filled: tuple[str, ...]


def look(target: Target, prefix: str) -> Holdings:
    """What there is; names that the data stack does not tell are those of its template."""
    outputs = outputs_of(target, f"{prefix}-data")
    tables = (
        outputs.get("MailTable", f"{prefix}-mail"),
        outputs.get("ControlTable", f"{prefix}-control"),
    )
    account = "" if target.is_emulated else f"-{target.identify()}"
    mail = outputs.get("Bucket", f"{prefix}-mail-raw{account}")
    code = outputs.get("CodeBucket", f"{prefix}-code{account}")
    filled = [name for name in tables if _has_items(target, name)]
    filled += [mail] if next(_objects(target, mail), None) else []
    key = outputs.get("KeyArn") or _key_of(target, f"alias/{prefix}")
    return Holdings(tables, (mail, code), key, tuple(filled))


def destroy(target: Target, prefix: str, say: Say) -> None:
    """Remove everything without asking; StackFailed when a stack does not go."""
    found = look(target, prefix)
    kept = kept_addresses(target, prefix)
    client = target.client("cloudformation")
    for name in reversed(stacks_of(target, prefix)):
        remove(client, name, say)
    dynamodb = target.client("dynamodb")
    for table in found.tables:
        if _unless_gone(partial(dynamodb.delete_table, TableName=table)):
            say(f"removed the table {table}")
    for bucket in found.buckets:
        if _remove_bucket(target, bucket):
            say(f"removed the bucket {bucket}")
    kms = target.client("kms")
    if found.key and _unless_gone(
        lambda: kms.schedule_key_deletion(KeyId=found.key, PendingWindowInDays=KEY_WAITS_DAYS)
    ):
        say(f"the key goes in {KEY_WAITS_DAYS} days; until then KMS can bring it back")
    for address in kept:
        say(f"the Elastic IP {address} stays, and costs, until you release it in EC2")


def may_destroy(filled: Sequence[str], prefix: str, environment: Mapping[str, str]) -> bool:
    """Whether nothing is lost, or somebody who can answer agreed; WrongOrder when nobody can answer."""
    if not filled or environment.get("CONFIRM") == prefix:
        return True
    what = ", ".join(filled)
    if not sys.stdin.isatty():
        raise WrongOrder(
            f"{what} hold data that would be lost; nothing was removed; CONFIRM={prefix} removes all"
        )
    print(f"{what} hold data that will be lost for ever.", file=sys.stderr)
    return input(f"Type {prefix} to remove it: ").strip() == prefix


def _has_items(target: Target, table: str) -> bool:
    answers: list[Any] = []
    client = target.client("dynamodb")
    _unless_gone(lambda: answers.append(client.scan(TableName=table, Limit=1)))
    return any(answer.get("Items") for answer in answers)


def _objects(target: Target, bucket: str) -> Iterator[list[dict[str, str]]]:
    """The bucket's objects, a page at a time; none for a bucket that is not there."""
    pages = target.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket)
    try:
        for page in pages:
            if found := page.get("Contents"):
                yield [{"Key": one["Key"]} for one in found]
    except ClientError as error:
        if not _is_gone(error):
            raise


def _remove_bucket(target: Target, bucket: str) -> bool:
    s3 = target.client("s3")
    for page in _objects(target, bucket):
        s3.delete_objects(Bucket=bucket, Delete={"Objects": page, "Quiet": True})
    return _unless_gone(lambda: s3.delete_bucket(Bucket=bucket))


def _key_of(target: Target, alias: str) -> str:
    keys: list[str] = []
    kms = target.client("kms")
    _unless_gone(lambda: keys.append(kms.describe_key(KeyId=alias)["KeyMetadata"]["Arn"]))
    return keys[0] if keys else ""


def _unless_gone(work: Callable[[], object]) -> bool:
    """Do it; False when what it is about does not exist."""
    try:
        work()
    except ClientError as error:
        if _is_gone(error):
            return False
        raise
    return True


def _is_gone(error: ClientError) -> bool:
    return error.response["Error"].get("Code") in GONE


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m infra.destroy", description=__doc__)
    parser.add_argument("--target", default="local", help=f"where it is: {', '.join(KINDS)}")
    parser.add_argument("--endpoint", default="", help="an emulator's address (AWS_ENDPOINT_URL)")
    parser.add_argument("--region", default="", help="AWS region (AWS_REGION)")
    parser.add_argument("--prefix", default="", help="which installation")
    return parser


def main(given: Sequence[str] | None = None) -> int:
    """Exit code 0 when it is gone; 1 with one sentence when it is not."""
    parsed = arguments().parse_args(given)
    prefix = parsed.prefix or PREFIXES.get(parsed.target, "")
    try:
        target = find_target(parsed.target, os.environ, parsed.endpoint, parsed.region)
        target.identify()
        if not may_destroy(look(target, prefix).filled, prefix, os.environ):
            raise WrongOrder("that was not the prefix; nothing was removed")
        destroy(target, prefix, lambda line: print(line, file=sys.stderr, flush=True))
    except (WrongOrder, StackFailed, ClientError, BotoCoreError) as error:
        print(f"posthorn: {one_line(error)}", file=sys.stderr)
        return 1
    print(f"{prefix} is gone")
    return 0


if __name__ == "__main__":
    sys.exit(main())
