"""One at a time rewrites the lake: an object that only one can write, until it ends or its time is over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from chalicelib.adapters.aws.lake.objects import LAKE
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.config import Settings
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.ports.clock import Clock

LOCK_SECONDS = 900  # no function lives longer
_KEY = f"{LAKE}lock"
_TAKEN = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")
_GONE = ("NoSuchKey", "404")


class LakeIsBusy(TemporaryFailure):
    """Somebody else holds the lock."""


class LakeLock:
    """Held by whoever merges or takes something out."""

    def __init__(self, session: AwsSession, settings: Settings, clock: Clock) -> None:
        self._session = session
        self._bucket = settings.bucket
        self._clock = clock

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Hold it; LakeIsBusy when somebody else does."""
        if not await self._take():
            raise LakeIsBusy("The index is being rewritten, try again later")
        try:
            yield
        finally:
            await self._session.call("s3", "delete_object", Bucket=self._bucket, Key=_KEY)

    async def _take(self) -> bool:
        if await self._write(IfNoneMatch="*"):
            return True
        from botocore.exceptions import ClientError

        try:
            until, tag = await self._session.call(
                "s3",
                "get_object",
                expected=_GONE,
                then=lambda answer: (int(answer["Body"].read()), answer["ETag"]),
                Bucket=self._bucket,
                Key=_KEY,
            )
        except ClientError:
            return await self._write(IfNoneMatch="*")
        return until <= self._clock.now() and await self._write(IfMatch=tag)

    async def _write(self, **condition: Any) -> bool:
        from botocore.exceptions import ClientError

        until = str(int(self._clock.now()) + LOCK_SECONDS)
        try:
            await self._session.call(
                "s3",
                "put_object",
                expected=(*_TAKEN, *_GONE),
                Bucket=self._bucket,
                Key=_KEY,
                Body=until.encode(),
                **condition,
            )
        except ClientError:
            return False
        return True
