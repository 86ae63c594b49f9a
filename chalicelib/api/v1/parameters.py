"""Reading single v1 parameters: lenient about types where Postal is, and clear about which one is wrong.

Texts that go into a message are checked for what would break out of their field; every complaint names the parameter.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from chalicelib.api.base64_text import NOT_BASE64, read_base64, without_data_url
from chalicelib.api.v1.envelope import ParameterFault, Parameters
from chalicelib.domain.mail.address import split_list, split_mailbox
from chalicelib.domain.mail.header_rendering import text_fault
from chalicelib.domain.mail.mailbox import envelope_fault

LONGEST_ENTRY = 600
LONGEST_LIST = 100_000
_BASE64 = re.compile("[A-Za-z0-9+/]")


def is_blank(value: Any) -> bool:
    """Blank as Postal's language has it: nothing, false, white space, an empty list or object."""
    return (
        value is None
        or value is False
        or value in ([], {})
        or (isinstance(value, str) and not value.strip())
    )


def is_true(value: Any) -> bool:
    """Truthiness of a flag; the text "false" and zero mean no."""
    return value not in (None, False, 0, "", "0", "false")


def text(parameters: Parameters, name: str) -> str | None:
    """A text parameter, None when absent; numbers become text."""
    value = parameters.get(name)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return as_text(value)
    raise ParameterFault(f"`{name}` parameter must be a string")


def line(parameters: Parameters, name: str, longest: int) -> str | None:
    """A text parameter that stays on one line of a header."""
    value = text(parameters, name)
    refuse_fault(name, text_fault(value, longest) if value is not None else None)
    return value


def refuse_fault(name: str, fault: str | None) -> None:
    """Raise ParameterFault, naming the parameter, when there is a fault."""
    if fault is not None:
        raise ParameterFault(f"`{name}` parameter is invalid: {fault}")


def has_base64(value: Any) -> bool:
    """Whether there is anything to decode: Postal takes a text without a single character of base64 for blank."""
    if isinstance(value, str):
        return _BASE64.search(without_data_url(value)) is not None
    return not is_blank(value)


def decoded(name: str, value: Any) -> bytes:
    """The bytes of a parameter in base64, with or without line breaks, or behind `data:…;base64,`.

    ParameterFault for what Postal would decode to other bytes than were meant; nothing at all is no bytes.
    """
    if not isinstance(value, str):
        raise ParameterFault(f"`{name}` parameter must be a string")
    digits = without_data_url(value)
    if not has_base64(digits):
        return b""
    try:
        return read_base64(digits)
    except ValueError as error:
        raise ParameterFault(f"`{name}` parameter is invalid: {NOT_BASE64}") from error


def as_text(value: Any) -> str:
    """A JSON value as text: null is empty, booleans are lower-case, a list or object is JSON again."""
    if value is None:
        return ""
    if isinstance(value, bool | list | dict):
        return json.dumps(value)
    return str(value)


def entries(parameters: Parameters, name: str) -> tuple[str, ...]:
    """The entries of an address list: an array of strings or one comma-separated string; blank ones do not count."""
    value = parameters.get(name)
    if value is None:
        return ()
    if isinstance(value, str):
        refuse_fault(name, text_fault(value, LONGEST_LIST))
    listed = split_list(value) if isinstance(value, str) else value
    if not isinstance(listed, list | tuple):
        raise ParameterFault(f"`{name}` parameter must be an array of strings")
    kept = [entry for entry in listed if not is_blank(entry)]
    for entry in kept:
        if not isinstance(entry, str):
            raise ParameterFault(f"`{name}` parameter must be an array of strings")
    return tuple(entry.strip(" ") for entry in kept)


def addressed(name: str, listed: tuple[str, ...]) -> tuple[str, ...]:
    """The bare address of each entry, as typed; all of an entry that could be read as two addresses. ParameterFault
    for one that would break out of its line."""
    return tuple(_addressed(f"{name}[{number}]", entry) for number, entry in enumerate(listed))


def _addressed(name: str, entry: str) -> str:
    refuse_fault(name, text_fault(entry, LONGEST_ENTRY))
    address = bare(entry)
    if not address:
        refuse_fault(name, "has no address")
    refuse_fault(name, envelope_fault(address))
    return address


def bare(entry: str) -> str:
    """The bare address in `Name <address>` as typed; the text itself when it could be read as another one too, so that
    it is nobody's."""
    parts = split_mailbox(entry)
    return entry if parts is None else parts[1]


def message_number(parameters: Parameters) -> tuple[int | None, Any]:
    """The `id` parameter as number (None when it is none) and as it shall be shown again (QUIRK-03)."""
    value = parameters.get("id")
    if is_blank(value):
        raise ParameterFault("`id` parameter is required but is missing")
    if (
        isinstance(value, str)
        and len(value) <= 20
        and value.isascii()
        and value.strip().isdecimal()
    ):
        return int(value), int(value)
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return int(value), int(value)
    if isinstance(value, dict | list | bool | float):
        raise ParameterFault("`id` parameter must be an integer")
    return (value, value) if isinstance(value, int) else (None, value)
