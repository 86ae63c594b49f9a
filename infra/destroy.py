"""`make destroy`: removes an installation, and asks first when that would remove mail.

Stacks go in the reverse order of their making, then what the data template retains: tables, buckets, and the key,
which KMS keeps for its waiting time. Elastic IPs stay, and are named: they have a reputation. When a table or the mail
bucket holds anything, nothing is touched unless a person at the terminal types the prefix, or CONFIRM names it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.current_state import TAG, elastic_ips, stacks_of
from infra.options import CommandLine, installation_of
from infra.stack import Say, StackFailed, remove
from infra.targets import Target, WrongOrder, one_line

KEY_WAITS_DAYS = 30
GONE = {
    "ResourceNotFoundException",
    "NoSuchBucket",
    "404",
    "NotFound",
    "NotFoundException",
    "KMSInvalidStateException",
}
NOT_OURS = {"NoSuchTagSet", "AccessDenied", "403"}


@dataclass(frozen=True, slots=True)
class Holdings:
    """What an installation has that deleting its stacks leaves: names, and which of them hold something."""

    tables: tuple[str, ...]
    buckets: tuple[str, ...]
    key: str
    filled: tuple[str, ...]


def look(target: Target, prefix: str) -> Holdings:
    """What there is; what the data stack does not tell is what has its usual name and says itself whose it is."""
    data = stacks_of(target, prefix).get(f"{prefix}-data")
    outputs = data.outputs if data else {}
    account = target.identify()
    mail = f"{prefix}-mail-raw" if target.is_emulated else f"{prefix}-mail-raw-{account}"
    named = [outputs.get("MailTable", ""), outputs.get("ControlTable", "")]
    # After a restore the outputs name restored tables, and those of the template are left.
    named += [_marked_table(target, prefix, f"{prefix}-{one}") for one in ("mail", "control")]
    tables = tuple(dict.fromkeys(named))
    buckets = (
        outputs.get("Bucket") or _marked_bucket(target, prefix, mail),
        outputs.get("CodeBucket") or _marked_bucket(target, prefix, f"{prefix}-code-{account}"),
    )
    filled = [name for name in tables if name and _has_items(target, name)]
    filled += [name for name in buckets[:1] if name and next(_objects(target, name), None)]
    key = outputs.get("KeyArn") or _marked_key(target, prefix)
    return Holdings(tuple(filter(None, tables)), tuple(filter(None, buckets)), key, tuple(filled))


def _marked_table(target: Target, prefix: str, name: str) -> str:
    """The table of this name; empty unless it has the installation's tag."""
    client = target.client("dynamodb")
    found = _answer(client.describe_table, NOT_OURS, TableName=name).get("Table")
    if not found:
        return ""
    answer = _answer(client.list_tags_of_resource, NOT_OURS, ResourceArn=found["TableArn"])
    return name if {"Key": TAG, "Value": prefix} in answer.get("Tags", ()) else ""


def _marked_bucket(target: Target, prefix: str, name: str) -> str:
    """The bucket of this name; empty unless it has the installation's tag."""
    answer = _answer(target.client("s3").get_bucket_tagging, NOT_OURS, Bucket=name)
    return name if {"Key": TAG, "Value": prefix} in answer.get("TagSet", ()) else ""


def _marked_key(target: Target, prefix: str) -> str:
    """The key behind the installation's alias; empty unless it has the installation's tag."""
    client = target.client("kms")
    found = _answer(client.describe_key, NOT_OURS, KeyId=f"alias/{prefix}").get("KeyMetadata")
    if not found:
        return ""
    answer = _answer(client.list_resource_tags, NOT_OURS, KeyId=found["KeyId"])
    mark = {"TagKey": TAG, "TagValue": prefix}
    return str(found["Arn"]) if mark in answer.get("Tags", ()) else ""


def destroy(target: Target, prefix: str, say: Say) -> bool:
    """Remove everything without asking; False when there was nothing. StackFailed when a stack does not go."""
    found, client = look(target, prefix), target.client("cloudformation")
    held, loose = elastic_ips(target, prefix)
    removed = [
        remove(client, name, say, target.pace) for name in reversed(stacks_of(target, prefix))
    ]
    dynamodb, s3, kms = map(target.client, ("dynamodb", "s3", "kms"))
    for table in found.tables:
        if _answer(dynamodb.delete_table, TableName=table):
            removed.append(True)
            say(f"removed the table {table}")
    for bucket in found.buckets:
        for page in _objects(target, bucket):
            s3.delete_objects(Bucket=bucket, Delete={"Objects": page, "Quiet": True})
        if _answer(s3.delete_bucket, Bucket=bucket):
            removed.append(True)
            say(f"removed the bucket {bucket}")
    waiting: dict[str, Any] = {"KeyId": found.key, "PendingWindowInDays": KEY_WAITS_DAYS}
    if found.key and _answer(kms.schedule_key_deletion, **waiting):
        removed.append(True)
        say(f"the key goes in {KEY_WAITS_DAYS} days; until then KMS can bring it back")
    for address in (*held, *loose):
        say(f"the Elastic IP {address} stays, and costs, until you release it in EC2")
    return any(removed)


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
    return bool(_answer(target.client("dynamodb").scan, TableName=table, Limit=1).get("Items"))


def _objects(target: Target, bucket: str) -> Iterator[list[dict[str, str]]]:
    """The bucket's objects, a page at a time; none for a bucket that is not there."""
    pages = target.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket)
    try:
        for page in pages:
            if found := page.get("Contents"):
                yield [{"Key": one["Key"]} for one in found]
    except ClientError as error:
        if error.response["Error"].get("Code") not in GONE:
            raise


def _answer(
    call: Callable[..., Any], or_these: Collection[str] = (), **asked: Any
) -> dict[str, Any]:
    """What is answered, never empty; empty when what it is about does not exist, or the error is one of these."""
    try:
        found: dict[str, Any] = call(**asked)
    except ClientError as error:
        if error.response["Error"].get("Code") in GONE.union(or_these):
            return {}
        raise
    return found


def arguments() -> CommandLine:
    """The command line."""
    return CommandLine(prog="python -m infra.destroy", description=__doc__)


def main(given: Sequence[str] | None = None) -> int:
    """Exit code 0 when it is gone; 1 with one sentence when it is not."""
    try:
        target, prefix = installation_of(arguments().parse_args(given))
        target.identify()
        if not may_destroy(look(target, prefix).filled, prefix, os.environ):
            raise WrongOrder("that was not the prefix; nothing was removed")
        there_was = destroy(target, prefix, lambda line: print(line, file=sys.stderr, flush=True))
    except (WrongOrder, StackFailed, ClientError, BotoCoreError) as error:
        print(f"posthorn: {one_line(error)}", file=sys.stderr)
        return 1
    print(f"{prefix} is gone" if there_was else f"there was nothing of {prefix!r} to remove")
    return 0


if __name__ == "__main__":
    sys.exit(main())
