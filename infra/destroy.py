"""`make destroy`: removes an installation, and asks first when that would remove mail.

Stacks go in the reverse order of their making, then what the data template retains: tables, buckets, and the key,
which KMS keeps for its waiting time. Elastic IPs stay, and are named: they have a reputation. When a table or the mail
bucket holds anything, nothing is touched unless a person at the terminal types the prefix, or CONFIRM names it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.order import CommandLine
from infra.stack import StackFailed, remove
from infra.standing_ways import TAG, kept_addresses
from infra.targets import (
    KINDS,
    PREFIXES,
    Target,
    WrongOrder,
    check_prefix,
    find_target,
    one_line,
    outputs_of,
    stacks_of,
)

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
    outputs = outputs_of(target, f"{prefix}-data")
    account = target.identify()
    own = _Marked(target, prefix)
    mail = f"{prefix}-mail-raw" if target.is_emulated else f"{prefix}-mail-raw-{account}"
    tables = (
        outputs.get("MailTable") or own.table(f"{prefix}-mail"),
        outputs.get("ControlTable") or own.table(f"{prefix}-control"),
    )
    buckets = (
        outputs.get("Bucket") or own.bucket(mail),
        outputs.get("CodeBucket") or own.bucket(f"{prefix}-code-{account}"),
    )
    filled = [name for name in tables if name and _has_items(target, name)]
    filled += [name for name in buckets[:1] if name and next(_objects(target, name), None)]
    key = outputs.get("KeyArn") or own.key(f"alias/{prefix}")
    return Holdings(tuple(filter(None, tables)), tuple(filter(None, buckets)), key, tuple(filled))


@dataclass(frozen=True, slots=True)
class _Marked:
    """Looks things up by name; each answer is empty unless the thing has the installation's tag."""

    target: Target
    prefix: str

    def table(self, name: str) -> str:
        client = self.target.client("dynamodb")
        found = _answer(lambda: client.describe_table(TableName=name)).get("Table")
        if not found:
            return ""
        answer = _answer(lambda: client.list_tags_of_resource(ResourceArn=found["TableArn"]))
        return name if self._is_marked(answer.get("Tags"), "Key", "Value") else ""

    def bucket(self, name: str) -> str:
        client = self.target.client("s3")
        answer = _answer(lambda: client.get_bucket_tagging(Bucket=name))
        return name if self._is_marked(answer.get("TagSet"), "Key", "Value") else ""

    def key(self, alias: str) -> str:
        client = self.target.client("kms")
        found = _answer(lambda: client.describe_key(KeyId=alias)).get("KeyMetadata")
        if not found:
            return ""
        answer = _answer(lambda: client.list_resource_tags(KeyId=found["KeyId"]))
        return (
            str(found["Arn"]) if self._is_marked(answer.get("Tags"), "TagKey", "TagValue") else ""
        )

    def _is_marked(self, tags: Any, key: str, value: str) -> bool:
        return any((one[key], one[value]) == (TAG, self.prefix) for one in tags or ())


def destroy(target: Target, prefix: str, say: Say) -> bool:
    """Remove everything without asking; False when there was nothing. StackFailed when a stack does not go."""
    found = look(target, prefix)
    kept = kept_addresses(target, prefix)
    client = target.client("cloudformation")
    removed = [
        name
        for name in reversed(stacks_of(target, prefix))
        if remove(client, name, say, target.pace)
    ]
    removed += _remove_holdings(target, found, say)
    for address in kept:
        say(f"the Elastic IP {address} stays, and costs, until you release it in EC2")
    return bool(removed)


def _remove_holdings(target: Target, found: Holdings, say: Say) -> list[str]:
    """Remove what the stacks have left; the names of what went."""
    removed = []
    dynamodb = target.client("dynamodb")
    for table in found.tables:
        if _unless_gone(partial(dynamodb.delete_table, TableName=table)):
            removed.append(table)
            say(f"removed the table {table}")
    for bucket in found.buckets:
        if _remove_bucket(target, bucket):
            removed.append(bucket)
            say(f"removed the bucket {bucket}")
    kms = target.client("kms")
    if found.key and _unless_gone(
        lambda: kms.schedule_key_deletion(KeyId=found.key, PendingWindowInDays=KEY_WAITS_DAYS)
    ):
        removed.append(found.key)
        say(f"the key goes in {KEY_WAITS_DAYS} days; until then KMS can bring it back")
    return removed


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


def _answer(ask: Callable[[], Any]) -> dict[str, Any]:
    """What is answered; empty when what it is about does not exist, or belongs to somebody else."""
    try:
        found: dict[str, Any] = ask()
    except ClientError as error:
        if _is_gone(error) or error.response["Error"].get("Code") in NOT_OURS:
            return {}
        raise
    return found


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


def arguments() -> CommandLine:
    """The command line."""
    parser = CommandLine(prog="python -m infra.destroy", description=__doc__)
    parser.add_argument("--target", default="local", help=f"where it is: {', '.join(KINDS)}")
    parser.add_argument("--endpoint", default="", help="an emulator's address (AWS_ENDPOINT_URL)")
    parser.add_argument("--region", default="", help="AWS region (AWS_REGION)")
    parser.add_argument("--prefix", default="", help="which installation")
    return parser


def main(given: Sequence[str] | None = None) -> int:
    """Exit code 0 when it is gone; 1 with one sentence when it is not."""
    try:
        parsed = arguments().parse_args(given)
        target = find_target(parsed.target, os.environ, parsed.endpoint, parsed.region)
        prefix = parsed.prefix or PREFIXES[target.kind]
        check_prefix(prefix)
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
