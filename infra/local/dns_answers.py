"""What somebody told the local zone to answer in place of its own, over HTTP: `PUT /_local/dns/{type}/{name}`.

Kept in a file of the state folder, so that it outlives a killed process as the clock does. Values are read once, here,
into the text that a zone file has; names are lower-case without final dot. Nothing is refused by Host or Origin: the
front has done that before.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from chalicelib.domain.dns.message import BadName, question_of
from chalicelib.domain.domain_name import typed_name
from infra.local.exchange import Request, Response, json_response
from infra.local.folder import write_private

PREFIX = "/_local/dns"
KINDS = ("A", "AAAA", "TXT", "MX", "CNAME", "NS", "PTR")
LARGEST = 60_000  # bytes of all values: what a DNS message holds over TCP
_MX = re.compile(r"([0-9]{1,5})[ \t]+(\S+)")
_PATH = re.compile(rf"{PREFIX}/([^/]+)/([^/]+)")

Values = tuple[str, ...] | None


class WrongAnswer(Exception):
    """What cannot be answered in DNS. Its text is what the sender reads."""


class PutAnswers:
    """The answers by type and name; None stands for a SERVFAIL. For many threads."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._answers: Mapping[tuple[str, str], Values] = _read(file)

    @property
    def all(self) -> Mapping[tuple[str, str], Values]:
        """Every answer, as it is at the moment."""
        return self._answers

    def put(self, kind: str, name: str, values: Values) -> None:
        """Answer so from now on."""
        self._change({(kind, name): values}, without=())

    def remove(self, kind: str, name: str) -> bool:
        """Answer as before; whether anything was put."""
        known = (kind, name) in self._answers
        self._change({}, without=((kind, name),))
        return known

    def _change(
        self, more: Mapping[tuple[str, str], Values], without: tuple[tuple[str, str], ...]
    ) -> None:
        with self._lock:
            kept = {key: each for key, each in self._answers.items() if key not in without}
            self._answers = {**kept, **more}
            if self._file is not None:
                lines = [[*key, values] for key, values in self._answers.items()]
                write_private(self._file, json.dumps(lines) + "\n")


def _read(file: Path | None) -> dict[tuple[str, str], Values]:
    """What the file holds; nothing when it is missing or damaged."""
    try:
        lines = json.loads(file.read_text()) if file is not None else []
        return {
            (kind, name): None if values is None else tuple(values) for kind, name, values in lines
        }
    except (OSError, ValueError, TypeError):
        return {}


class DnsPages:
    """Answers `/_local/dns`: a list, and PUT and DELETE of one answer."""

    def __init__(self, answers: PutAnswers) -> None:
        self._answers = answers

    def __call__(self, request: Request) -> Response:
        if request.path == PREFIX and request.method in ("GET", "HEAD"):
            found = self._answers.all.items()
            return json_response([_shown(kind, name, values) for (kind, name), values in found])
        place = _PATH.fullmatch(request.path)
        if place is None:
            return json_response(
                {"message": f"send PUT or DELETE to {PREFIX}/{{type}}/{{name}}"}, 404
            )
        if request.method not in ("PUT", "DELETE"):
            return json_response({"message": "Method not allowed"}, 405)
        try:
            kind, name = _kind(unquote(place[1])), _name(unquote(place[2]))
            if request.method == "DELETE":
                return json_response({"deleted": int(self._answers.remove(kind, name))})
            values = _values(kind, _sent(request.body))
        except WrongAnswer as wrong:
            return json_response({"message": str(wrong)}, 422)
        except (ValueError, KeyError, TypeError, RecursionError):
            return json_response({"message": 'send {"values": […]}, with a list or null'}, 400)
        self._answers.put(kind, name, values)
        return json_response(_shown(kind, name, values))


def _shown(kind: str, name: str, values: Values) -> dict[str, Any]:
    return {"type": kind, "name": name, "values": values}


def _sent(body: bytes) -> list[str] | None:
    """The list of a body; ValueError, KeyError or TypeError for another body."""
    sent = json.loads(body)
    values = sent["values"]
    if len(sent) != 1 or not (values is None or isinstance(values, list)):
        raise TypeError
    if values is not None and not all(isinstance(each, str) for each in values):
        raise TypeError
    return values


def _kind(text: str) -> str:
    if text.upper() not in KINDS:
        raise WrongAnswer(f"the type must be one of {', '.join(KINDS)}")
    return text.upper()


def _name(text: str) -> str:
    """In DNS there is more than host names: only what no question can ask for is refused."""
    name = text.removesuffix(".").lower()
    found = name if name.isascii() else typed_name(name)
    try:
        question_of(found or "", "A")
    except BadName as bad:
        raise WrongAnswer(f"{text[:100]!r} can be no name in DNS") from bad
    return found or ""


def _values(kind: str, sent: list[str] | None) -> Values:
    if sent is None:
        return None
    if kind == "CNAME" and len(sent) > 1:
        raise WrongAnswer("a name has one CNAME at most")
    values = tuple(_value(kind, each) for each in sent)
    if sum(len(each.encode()) * 256 // 255 + 16 for each in values) > LARGEST:
        raise WrongAnswer(f"the values do not fit an answer of DNS, which has {LARGEST} bytes")
    return values


def _value(kind: str, text: str) -> str:
    if kind == "TXT":
        try:
            text.encode()
        except UnicodeEncodeError as lone:
            raise WrongAnswer("a text must be Unicode") from lone
        return text
    if kind in ("A", "AAAA"):
        try:
            return str(IPv4Address(text) if kind == "A" else IPv6Address(text))
        except ValueError as wrong:
            raise WrongAnswer(f"{text[:100]!r} is no address of type {kind}") from wrong
    if kind == "MX":
        found = _MX.fullmatch(text.strip())
        if found is None or int(found[1]) > 0xFFFF:
            raise WrongAnswer(f"an MX must be such as '10 mx.example.com', not {text[:100]!r}")
        return f"{int(found[1])} {'.' if found[2] == '.' else _name(found[2])}"
    return _name(text)
