"""Where the bytes of messages live, and how clients bring large ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.durations import DAY
from chalicelib.domain.model import BlobRef
from chalicelib.domain.numbering import ServerId

UPLOAD_KEPT_SECONDS = 2 * DAY
FILE_KEPT_SECONDS = 7 * DAY
SMALLEST_PART = 5 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class UploadTicket:
    """Permission to put one object: where, with which method and headers, until when (epoch seconds)."""

    id: str
    url: str
    method: str
    headers: Mapping[str, str]
    expires_at: int


class BlobStore(Protocol):
    """Message bytes, durable once `put` returns."""

    async def put(self, server: ServerId, bodies: Sequence[bytes], now: float) -> list[BlobRef]:
        """Store bodies of one server together; one reference a body, in order."""

    async def get(self, ref: BlobRef) -> bytes:
        """The bytes of one reference; NotFound when they were purged."""

    async def link(self, ref: BlobRef, seconds: int, name: str = "") -> str | None:
        """A URL at which anybody can GET the bytes for `seconds`, as a file of type message/rfc822, or of none for an
        upload; `name` is the file's. None when they share their object with others, which no URL can express; NotFound
        when they were purged."""

    async def keep(
        self, owner: ServerId, name: str, content: bytes | bytearray, now: float
    ) -> BlobRef:
        """Keep a file that was made here, whatever is there under this name (32 hexadecimal digits), for
        FILE_KEPT_SECONDS; `owner` is a server, or an organization by its number below zero."""

    async def kept(self, owner: ServerId, name: str, now: float) -> BlobRef:
        """The reference of a file that was made here and is not over; NotFound."""

    async def files(self, owner: ServerId, now: float) -> dict[str, float]:
        """The files that were made here and are not over, by name, and since when each is kept (epoch seconds); there
        may be uploads among them. For moves."""

    async def begin_whole(self, owner: ServerId, name: str) -> str:
        """Begin a file that comes in parts: what its parts are to be added to, for a day."""

    async def add_part(
        self, owner: ServerId, name: str, whole: str, number: int, content: bytes | bytearray
    ) -> str:
        """Add the part of a number, from 1, in place of one that is there: what to end the file with. All but the last
        have SMALLEST_PART bytes or more. NotFound when the file was ended, or its day is over."""

    async def end_whole(
        self, owner: ServerId, name: str, whole: str, tags: Sequence[str], now: float
    ) -> BlobRef:
        """Keep the file as `keep` does, of all its parts; no more than one of them is held in memory. When it was
        ended before, NotFound or the same again."""

    async def ticket(self, server: ServerId, size: int, now: float) -> UploadTicket:
        """Let a client upload `size` bytes by itself, within one hour."""

    async def uploaded(self, server: ServerId, upload_id: str, now: float) -> BlobRef:
        """The reference of a finished upload of this server; NotFound when there is none, or none that came within
        UPLOAD_KEPT_SECONDS before `now`: what is to stay is stored again by the request that names it."""

    async def uploads(self, server: ServerId, now: float) -> dict[str, float]:
        """The finished uploads of a server that are not over, by id, and since when each is kept (epoch seconds). For
        moves."""

    async def bring(self, server: ServerId, upload_id: str, content: bytes, at: float) -> None:
        """Keep an upload that was finished elsewhere, from `at` on, or from now where a store knows no other time."""
