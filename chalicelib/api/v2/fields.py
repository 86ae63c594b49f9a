"""Checked texts of v2 requests as annotated types: what pydantic validates is what the OpenAPI document says.

Each check raises with a machine code, so that a wrong field is reported with pointer, code and detail. The checks are
those of the domain; nothing here decides what mail may hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    ValidationInfo,
    WithJsonSchema,
)

from chalicelib.api.base64_text import NOT_BASE64, read_base64
from chalicelib.domain.errors import INVALID, Rejected
from chalicelib.domain.mail.address import split_list
from chalicelib.domain.mail.compose import read_mailbox
from chalicelib.domain.mail.header_rendering import (
    LONGEST_FILENAME,
    LONGEST_VALUE,
    Mailbox,
    content_type_fault,
    name_fault,
    text_fault,
    value_fault,
)
from chalicelib.domain.mail.mailbox import POSTMASTER
from chalicelib.domain.send_options import (
    LONGEST_NAME,
    MOST_METADATA,
    metadata_text,
)
from chalicelib.domain.send_options import LONGEST_VALUE as LONGEST_METADATA_VALUE
from chalicelib.domain.tenancy.streams import LONGEST_STREAM

LONGEST_ENTRY = 600
LONGEST_TAG = 100
MOST_ADDRESSES = 50
PAST = "must be in the future"
_UPLOAD_ID = r"^[A-Za-z0-9_-]{1,128}$"


class WrongText(ValueError):
    """Why a text is refused, with the machine code that clients see."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def _refusing(code: str, fault_of: Callable[[str], str | None]) -> AfterValidator:
    """A validator that refuses a text in which `fault_of` finds something."""

    def check(text: str) -> str:
        fault = fault_of(text)
        if fault is not None:
            raise WrongText(code, fault)
        return text

    return AfterValidator(check)


def checked(check: Callable[[Any], object]) -> AfterValidator:
    """A validator that refuses what `check` of a domain or service refuses by Rejected, in its words."""

    def refuse(value: Any) -> Any:
        try:
            check(value)
        except Rejected as wrong:
            raise WrongText(INVALID, wrong.public) from None
        return value

    return AfterValidator(refuse)


def _address_fault(text: str, *, any_name: bool = False) -> str | None:
    if fault := text_fault(text, LONGEST_ENTRY):
        return fault
    if read_mailbox(text, any_name=any_name) is None:
        return "is not one e-mail address (RFC 5321 section 4.1.2), alone or as Name <address>"
    return None


def _recipient_fault(text: str) -> str | None:
    return None if _is_postmaster(text) else _address_fault(text)


def _is_postmaster(text: str) -> bool:
    return text.strip().lower() == POSTMASTER


def _as_list(value: Any) -> Any:
    """One string is a list of one, or of the entries between its commas."""
    if isinstance(value, str):
        return [value] if text_fault(value) else list(split_list(value)) or [value]
    return value


def _decoded(text: str) -> str:
    try:
        read_base64(text)
    except ValueError:
        raise WrongText("base64", NOT_BASE64) from None
    return text


def _is_rfc3339(value: Any) -> Any:
    """RFC 3339 alone: no number, which pydantic would take for epoch seconds."""
    if not isinstance(value, str) or re.match(r"\d{4}-\d\d-\d\d[Tt]", value) is None:
        raise WrongText("time", "is no time as in RFC 3339")
    return value


def _not_past(moment: datetime, info: ValidationInfo) -> datetime:
    now = (info.context or {}).get("now")
    if now is not None and moment.timestamp() <= now:
        raise WrongText("past", PAST)
    return moment


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise WrongText("time", "is outside the years 1 to 9999") from None


def _small(metadata: dict[str, str]) -> dict[str, str]:
    try:
        metadata_text(metadata)
    except ValueError as wrong:
        raise WrongText("too_large", str(wrong)) from None
    return metadata


def mailbox_of(text: str, *, any_name: bool = False) -> Mailbox:
    """The mailbox of an `Address` text, or with `any_name` of an `Author` text."""
    mailbox = read_mailbox(text, any_name=any_name)
    if mailbox is None:
        raise WrongText("address", "is not one e-mail address")
    return mailbox


def recipient_of(text: str) -> str:
    """The address of a `Recipient` text; that of the postmaster has no domain (RFC 5321 section 4.5.1)."""
    return POSTMASTER if _is_postmaster(text) else mailbox_of(text).address


Address = Annotated[
    str, _refusing("address", _address_fault), Field(examples=["Ada <ada@example.com>"])
]
Recipient = Annotated[
    str, _refusing("address", _recipient_fault), Field(examples=["support@example.com"])
]
Author = Annotated[
    str,
    _refusing("address", partial(_address_fault, any_name=True)),
    Field(examples=["Ada <ada@example.com>"]),
]
Addresses = Annotated[
    list[Address],
    Field(max_length=MOST_ADDRESSES),
    BeforeValidator(_as_list),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "description": "One address, or several between commas."},
                {"type": "array", "items": {"type": "string"}, "maxItems": MOST_ADDRESSES},
            ],
            "examples": [["Ada <ada@example.com>", "bob@example.com"]],
        }
    ),
]
Line = Annotated[str, _refusing("line", text_fault), Field(max_length=LONGEST_VALUE)]
Tag = Annotated[str, _refusing("line", text_fault), Field(min_length=1, max_length=LONGEST_TAG)]
HeaderName = Annotated[str, _refusing("header_name", name_fault)]
HeaderValue = Annotated[str, _refusing("header_value", value_fault)]
FileName = Annotated[
    str, _refusing("line", text_fault), Field(min_length=1, max_length=LONGEST_FILENAME)
]
ContentType = Annotated[str, _refusing("content_type", content_type_fault)]
ContentId = Annotated[str, Field(pattern=r"^[!#-'*+\-./0-9=?@A-Z^_`a-z{|}~]{1,200}$")]
Base64 = Annotated[
    str, AfterValidator(_decoded), Field(json_schema_extra={"contentEncoding": "base64"})
]
StreamName = Annotated[str, Field(min_length=1, max_length=LONGEST_STREAM, examples=["news"])]
Metadata = Annotated[
    dict[
        Annotated[str, Field(pattern=rf"^[A-Za-z0-9_-]{{1,{LONGEST_NAME}}}$")],
        Annotated[str, Field(max_length=LONGEST_METADATA_VALUE)],
    ],
    Field(max_length=MOST_METADATA, examples=[{"order": "17"}]),
    AfterValidator(_small),
]
UploadId = Annotated[str, Field(pattern=_UPLOAD_ID)]
Instant = Annotated[AwareDatetime, BeforeValidator(_is_rfc3339), AfterValidator(_in_utc)]
# One that has passed is wrong where the reading knows the time; else whoever acts on it says so.
End = Annotated[Instant, AfterValidator(_not_past)]
