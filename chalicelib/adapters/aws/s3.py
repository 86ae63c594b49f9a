"""Message bytes in S3: one object a request or group commit, read back by byte range.

Keys are `r/<server>/<yyyymmdd>/<random>` for accepted mail, `u/<server>/<id>` for uploads by clients and
`x/<server>/<id>` for files that were made here. Packed bodies lie one after the other, so that one PUT pays for many
messages. Objects are never changed; lifecycle rules remove those of the latter two.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from chalicelib.adapters.aws.session import AwsSession
from chalicelib.config import Settings
from chalicelib.domain.errors import NotFound, TemporaryFailure
from chalicelib.domain.file_link import disposition
from chalicelib.domain.model import BlobRef
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.blobs import FILE_KEPT_SECONDS, UPLOAD_KEPT_SECONDS, BlobStore, UploadTicket
from chalicelib.ports.rand import Rand

LOG = logging.getLogger("posthorn.contents")
UPLOAD_SECONDS = 3_600
_UPLOAD_ID = re.compile(r"[0-9a-f]{32}")
_NO_CONTENT = "The content of this message is no longer kept"
_NO_UPLOAD = "There is no such upload"
# Mail is hostile: no browser may show it in the bucket's name.
_MESSAGE = {
    "ResponseContentType": "message/rfc822",
    "ResponseContentDisposition": 'attachment; filename="message.eml"',
}
_FILE = {
    "ResponseContentType": "application/octet-stream",
    "ResponseContentDisposition": "attachment",
}
_NO_FILE = "This file is no longer kept"
_UPLOADS = "u/"
_FILES = "x/"
_GONE = ("NoSuchKey", "InvalidRange", "404")


class S3BlobStore(BlobStore):
    """The `BlobStore` port over one bucket."""

    def __init__(self, session: AwsSession, settings: Settings, rand: Rand) -> None:
        self._session = session
        self._bucket = settings.bucket
        self._table = settings.mail_table
        self._rand = rand

    async def put(self, server: ServerId, bodies: Sequence[bytes], now: float) -> list[BlobRef]:
        """Store the bodies in one object; one reference a body, in order. No bodies: no object."""
        if not bodies:
            return []
        day = time.strftime("%Y%m%d", time.gmtime(now))
        key = f"r/{server}/{day}/{self._rand.bytes(12).hex()}"
        whole = bodies[0] if len(bodies) == 1 else b"".join(bodies)
        await asyncio.gather(
            self._session.call("s3", "put_object", Bucket=self._bucket, Key=key, Body=whole),
            self._count(server, day, len(whole)),
        )
        refs, offset = [], 0
        for body in bodies:
            refs.append(BlobRef(key, offset, len(body)))
            offset += len(body)
        return refs

    async def get(self, ref: BlobRef) -> bytes:
        """The bytes of a reference; NotFound when purged, TemporaryFailure when they came short."""
        if ref.length == 0:
            return b""
        from botocore.exceptions import ClientError

        try:
            body: bytes = await self._session.call(
                "s3",
                "get_object",
                expected=_GONE,
                then=_read,
                Bucket=self._bucket,
                Key=ref.key,
                Range=f"bytes={ref.offset}-{ref.offset + ref.length - 1}",
            )
        except ClientError as error:
            raise NotFound(_NO_CONTENT) from error
        if len(body) != ref.length:
            raise TemporaryFailure("The content of this message could not be read", key=ref.key)
        return body

    async def _count(self, server: ServerId, day: str, size: int) -> None:
        """Count the bytes of a day. No mail is refused for want of it: the day is listed when it is over."""
        try:
            await self._session.call(
                "dynamodb",
                "update_item",
                TableName=self._table,
                Key={"PK": {"S": f"S#{server}#CON"}, "SK": {"S": day}},
                UpdateExpression="ADD b :size",
                ExpressionAttributeValues={":size": {"N": str(size)}},
            )
        except TemporaryFailure as away:
            LOG.warning("bytes were not counted: %s", away.public)

    async def link(self, ref: BlobRef, seconds: int, name: str = "") -> str | None:
        """A pre-signed GET of a whole object; None for a part of one, because a URL cannot hold a range."""
        if (ref.offset, ref.length) != (0, (await self._head(ref.key, _NO_CONTENT))[0]):
            return None
        parameters = {
            "Bucket": self._bucket,
            "Key": ref.key,
            **(_FILE if ref.key.startswith((_UPLOADS, _FILES)) else _MESSAGE),
        }
        if name:
            parameters["ResponseContentDisposition"] = disposition(name)
        return await self._signed("get_object", parameters, seconds)

    async def _head(self, key: str, missing: str) -> tuple[int, float]:
        """Bytes and time of an object; NotFound with the text `missing` when there is none."""
        from botocore.exceptions import ClientError

        try:
            facts = await self._session.call(
                "s3", "head_object", expected=("404", "NoSuchKey"), Bucket=self._bucket, Key=key
            )
        except ClientError as error:
            raise NotFound(missing) from error
        return int(facts["ContentLength"]), facts["LastModified"].timestamp()

    async def _signed(self, operation: str, parameters: Mapping[str, Any], seconds: int) -> str:
        sign = partial(
            self._session.client("s3").generate_presigned_url,
            operation,
            Params=parameters,
            ExpiresIn=seconds,
        )
        url: str = await self._session.run(sign)
        return url

    async def keep(
        self, owner: ServerId, name: str, content: bytes | bytearray, now: float
    ) -> BlobRef:
        """Put an object, whose time S3 counts from now."""
        key = f"{_FILES}{owner}/{name}"
        await self._session.call("s3", "put_object", Bucket=self._bucket, Key=key, Body=content)
        return BlobRef(key, 0, len(content))

    async def kept(self, owner: ServerId, name: str, now: float) -> BlobRef:
        """The reference of an object that is young enough; the lifecycle rule may take a day longer."""
        key = f"{_FILES}{owner}/{name}"
        size, written_at = await self._head(key, _NO_FILE)
        if written_at + FILE_KEPT_SECONDS <= now:
            raise NotFound(_NO_FILE)
        return BlobRef(key, 0, size)

    async def files(self, owner: ServerId, now: float) -> dict[str, float]:
        """The files of an owner, by name, and when each was written: a thousand a call."""
        found = await self._under(f"{_FILES}{owner}/")
        return {one: at for one, at in found.items() if at + FILE_KEPT_SECONDS > now}

    async def begin_whole(self, owner: ServerId, name: str) -> str:
        """An upload in parts; a lifecycle rule gives up what is not ended."""
        key = f"{_FILES}{owner}/{name}"
        answer = await self._session.call(
            "s3", "create_multipart_upload", Bucket=self._bucket, Key=key
        )
        return str(answer["UploadId"])

    async def add_part(
        self, owner: ServerId, name: str, whole: str, number: int, content: bytes | bytearray
    ) -> str:
        """One part of the upload."""
        answer = await self._of_whole(
            "upload_part", owner, name, whole, PartNumber=number, Body=content
        )
        return str(answer["ETag"])

    async def end_whole(
        self, owner: ServerId, name: str, whole: str, tags: Sequence[str], now: float
    ) -> BlobRef:
        """S3 puts the parts together."""
        parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]
        await self._of_whole(
            "complete_multipart_upload", owner, name, whole, MultipartUpload={"Parts": parts}
        )
        return await self.kept(owner, name, now)

    async def _of_whole(
        self, operation: str, owner: ServerId, name: str, whole: str, **more: Any
    ) -> Any:
        from botocore.exceptions import ClientError

        key = f"{_FILES}{owner}/{name}"
        given = {"Bucket": self._bucket, "Key": key, "UploadId": whole, **more}
        try:
            return await self._session.call("s3", operation, expected=("NoSuchUpload",), **given)
        except ClientError as error:
            raise NotFound(_NO_FILE) from error

    async def ticket(self, server: ServerId, size: int, now: float) -> UploadTicket:
        """A pre-signed PUT of exactly `size` bytes: the length is a signed header, so no other length is taken."""
        upload_id = self._rand.bytes(16).hex()
        parameters = {
            "Bucket": self._bucket,
            "Key": _upload_key(server, upload_id),
            "ContentLength": size,
        }
        url = await self._signed("put_object", parameters, UPLOAD_SECONDS)
        headers = {"Content-Length": str(size)}
        return UploadTicket(upload_id, url, "PUT", headers, int(now) + UPLOAD_SECONDS)

    async def uploaded(self, server: ServerId, upload_id: str, now: float) -> BlobRef:
        """The reference of a finished upload of this server; NotFound when there is none that is young enough. The
        lifecycle rule that removes the others may take a day longer."""
        if not _UPLOAD_ID.fullmatch(upload_id):
            raise NotFound(_NO_UPLOAD)
        key = _upload_key(server, upload_id)
        size, written_at = await self._head(key, _NO_UPLOAD)
        if written_at + UPLOAD_KEPT_SECONDS <= now:
            raise NotFound(_NO_UPLOAD)
        return BlobRef(key, 0, size)

    async def uploads(self, server: ServerId, now: float) -> dict[str, float]:
        """The finished uploads of a server, by id, and when each was finished: a thousand a call."""
        found = await self._under(_upload_key(server, ""))
        return {one: at for one, at in found.items() if at + UPLOAD_KEPT_SECONDS > now}

    async def _under(self, start: str) -> dict[str, float]:
        """The objects whose keys begin so, by the rest, and when each was written."""
        found: dict[str, float] = {}
        page: dict[str, Any] = {"Bucket": self._bucket, "Prefix": start}
        while True:
            answer = await self._session.call("s3", "list_objects_v2", **page)
            for one in answer.get("Contents", ()):
                found[one["Key"].removeprefix(start)] = one["LastModified"].timestamp()
            if not answer.get("IsTruncated"):
                return found
            page["ContinuationToken"] = answer["NextContinuationToken"]

    async def bring(self, server: ServerId, upload_id: str, content: bytes, at: float) -> None:
        """Put an upload that was finished elsewhere. S3 counts its time from now."""
        key = _upload_key(server, upload_id)
        await self._session.call("s3", "put_object", Bucket=self._bucket, Key=key, Body=content)


def _upload_key(server: ServerId, upload_id: str) -> str:
    return f"{_UPLOADS}{server}/{upload_id}"


def _read(answer: Any) -> bytes:
    body: bytes = answer["Body"].read()
    return body
