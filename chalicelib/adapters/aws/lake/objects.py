"""The objects of the lake by name: listed, read in parts, written whole, removed.

A name is `<first server>-<last server>-<digest>`, the same in `terms/` and `rows/`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.adapters.aws.session import AwsSession
from chalicelib.config import Settings
from chalicelib.domain.errors import NotFound, TemporaryFailure

LAKE = "lake/"
TERMS = "terms"
ROWS = "rows"
FORGOTTEN = "forgotten"
FILLED = "filled"
AGAIN = "again"
AT_ONCE = 1_000  # what S3 removes in one call
_GONE = ("NoSuchKey", "404")


class ObjectGone(NotFound):
    """The object was merged into another after it was listed."""


@dataclass(frozen=True, slots=True)
class LakeObject:
    """One object of a kind."""

    kind: str
    name: str
    size: int

    def may_hold(self, server: int) -> bool:
        """Whether this server is among those of its name."""
        first, last, _ = self.name.split("-")
        return int(first) <= server <= int(last)


def name_of(servers: Sequence[int], digest: str) -> str:
    """The name of an object with messages of these servers."""
    return f"{min(servers):010d}-{max(servers):010d}-{digest}"


def merged_name(names: Sequence[str], digest: str) -> str:
    """The name of what holds all that these hold."""
    parts = [name.split("-") for name in names]
    return name_of([int(number) for first, last, _ in parts for number in (first, last)], digest)


class LakeObjects:
    """The part of the bucket."""

    def __init__(self, session: AwsSession, settings: Settings) -> None:
        self._session = session
        self._bucket = settings.bucket

    async def list(self, kind: str = "") -> list[LakeObject]:
        """All objects of a kind, or of all kinds, by name: a thousand a call."""
        found: list[LakeObject] = []
        start = f"{LAKE}{kind}/" if kind else LAKE
        page: dict[str, Any] = {"Bucket": self._bucket, "Prefix": start}
        while True:
            answer = await self._session.call("s3", "list_objects_v2", **page)
            for one in answer.get("Contents", ()):
                its_kind, parted, name = one["Key"].removeprefix(LAKE).partition("/")
                if parted:
                    found.append(LakeObject(its_kind, name, one["Size"]))
            if not answer.get("IsTruncated"):
                return found
            page["ContinuationToken"] = answer["NextContinuationToken"]

    async def read(self, kind: str, name: str, span: tuple[int, int] | None = None) -> bytes:
        """The bytes of an object from one place to before another; ObjectGone when there is none."""
        from botocore.exceptions import ClientError

        part = {"Range": f"bytes={span[0]}-{span[1] - 1}"} if span else {}
        try:
            found: bytes = await self._session.call(
                "s3",
                "get_object",
                expected=_GONE,
                then=lambda answer: answer["Body"].read(),
                Bucket=self._bucket,
                Key=f"{LAKE}{kind}/{name}",
                **part,
            )
        except ClientError as error:
            raise ObjectGone("This part of the index is no longer kept", key=name) from error
        return found

    async def write(self, kind: str, name: str, content: bytes) -> None:
        """Write an object; one of the same name has the same content."""
        key = f"{LAKE}{kind}/{name}"
        await self._session.call("s3", "put_object", Bucket=self._bucket, Key=key, Body=content)

    async def remove(self, found: Sequence[tuple[str, str]]) -> None:
        """Remove objects by kind and name; what is gone already is no error."""
        for start in range(0, len(found), AT_ONCE):
            keys = [
                {"Key": f"{LAKE}{kind}/{name}"} for kind, name in found[start : start + AT_ONCE]
            ]
            answer = await self._session.call(
                "s3", "delete_objects", Bucket=self._bucket, Delete={"Objects": keys, "Quiet": True}
            )
            if answer.get("Errors"):
                raise TemporaryFailure(
                    "The index could not be changed", failed=len(answer["Errors"])
                )

    async def fill_again(self) -> None:
        """Write down that there are messages that nobody told of."""
        await self.write(FILLED, AGAIN, b"")
