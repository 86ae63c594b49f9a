"""What the fields of a message to send must be to each other.

The rules read the request as it came, so that they are told together with what is wrong in single fields; wherever a
field has another type than it should, they leave the complaint to its declaration.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.api.v2.bounds import pointer
from chalicelib.domain.errors import FieldError
from chalicelib.domain.mail.compose import BLIND, header_faults, is_date

_FINISHED = ("raw", "raw_upload")
# Extra headers that a field of the request sets; given by both, one would be dropped.
_SET_BY_FIELD = {
    "to": "to",
    "cc": "cc",
    "sender": "sender",
    "reply-to": "reply_to",
    "subject": "subject",
}
_DESCRIBING = ("reply_to", "sender", "subject", "text", "html", "headers", "attachments")


def email_faults(value: Mapping[str, Any]) -> Iterator[FieldError]:
    """Every rule that a message to send breaks."""
    yield from _recipients(value)
    yield from _content(value)
    yield from _headers(value)
    yield from _attachments(value)
    if value.get("tag") and value.get("tags"):
        yield FieldError("/tags", "not_with_tag", "cannot be given together with tag")


def batch_faults(value: Mapping[str, Any]) -> Iterator[FieldError]:
    """Every rule that a message of a batch breaks."""
    yield from email_faults(value)
    yield from _uploads(value)


def _recipients(value: Mapping[str, Any]) -> Iterator[FieldError]:
    if not any(value.get(name) for name in ("to", "cc", "bcc")):
        yield FieldError("/to", "missing", "at least one recipient in to, cc or bcc is required")


def _content(value: Mapping[str, Any]) -> Iterator[FieldError]:
    finished = [name for name in _FINISHED if value.get(name) is not None]
    if len(finished) == 2:
        yield FieldError("/raw_upload", "not_with_raw", "cannot be given together with raw")
    if finished:
        for name in _DESCRIBING:
            if value.get(name):
                yield FieldError(
                    pointer(name), "not_with_raw", f"cannot be given with {finished[0]}"
                )
    elif not any(_has_text(value.get(name)) for name in ("text", "html")):
        yield FieldError("/text", "missing", "text, html or raw is required")


def _has_text(value: Any) -> bool:
    return bool(value.strip()) if isinstance(value, str) else value is not None


def _headers(value: Mapping[str, Any]) -> Iterator[FieldError]:
    headers = value.get("headers")
    if isinstance(headers, dict):
        for name, wrong in header_faults([(name, "") for name in headers]):
            yield FieldError(pointer("headers", name), "header_name", wrong)
        for name, text in headers.items():
            if fault := _dropped(name.lower(), text, value):
                yield FieldError(pointer("headers", name), "header_name", fault)


def _dropped(name: str, text: Any, value: Mapping[str, Any]) -> str | None:
    """Why a header would not be sent as it is given, or None: nothing is left out without a word."""
    if name == "message-id":
        return (
            "the Message-ID header is made here; a message with one of its own can be sent as raw"
        )
    if name in BLIND:
        return "such a header would not be sent; give the addresses in bcc"
    if (field := _SET_BY_FIELD.get(name)) and _sets(field, value.get(field)):
        return f"cannot be given together with {field}"
    if name == "date" and isinstance(text, str) and not is_date(text):
        return "is not a date (RFC 5322 section 3.3)"
    return None


def _sets(field: str, given: Any) -> bool:
    return given is not None if field == "subject" else bool(given)


def _attached(value: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each attachment that is an object, with its pointer."""
    listed = value.get("attachments")
    for number, item in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(item, dict):
            yield pointer("attachments", number), item


def _attachments(value: Mapping[str, Any]) -> Iterator[FieldError]:
    for at, item in _attached(value):
        if (item.get("content") is None) == (item.get("upload") is None):
            yield FieldError(f"{at}/content", "missing", "either content or upload is required")
        if item.get("content_id") is not None and not _has_text(value.get("html")):
            yield FieldError(f"{at}/content_id", "not_without_html", "only html can show it")


def _uploads(value: Mapping[str, Any]) -> Iterator[FieldError]:
    """A batch holds what its request holds, so that its size is bounded."""
    if value.get("raw_upload") is not None:
        yield FieldError("/raw_upload", "not_in_batch", "uploads cannot be sent in a batch")
    for at, item in _attached(value):
        if item.get("upload") is not None:
            fault = "uploads cannot be sent in a batch"
            yield FieldError(f"{at}/upload", "not_in_batch", fault)
