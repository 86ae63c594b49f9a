"""Reading v2 requests: body, query and headers, and the wrong fields of them named at once, at most 100."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from chalicelib.api.http import HttpRequest
from chalicelib.api.json_body import parse_json
from chalicelib.api.v2.bounds import MOST_ERRORS, excess, pointer, told
from chalicelib.api.v2.fields import WrongText
from chalicelib.api.v2.problems import MalformedRequest, UnsupportedMediaType
from chalicelib.domain.errors import INVALID as SENTENCE
from chalicelib.domain.errors import FieldError, InvalidRequest

LONGEST_KEY = 256
INVALID = "The request has wrong fields; see errors"
INVALID_AND_MORE = "The request has more wrong fields than errors names"
_Model = TypeVar("_Model", bound=BaseModel)
Rules = Callable[[Any], Iterator[FieldError]]


def read_json(request: HttpRequest) -> Any:
    """The JSON value of a body. Raises UnsupportedMediaType, MalformedRequest."""
    kind = request.content_type.partition(";")[0].strip().lower()
    if kind != "application/json" and not (
        kind.startswith("application/") and kind.endswith("+json")
    ):
        raise UnsupportedMediaType("The body must be application/json")
    try:
        return parse_json(request.body)
    except ValueError as error:
        raise MalformedRequest("The body is not valid JSON") from error


def invalid_at(place: str, code: str, detail: str) -> InvalidRequest:
    """The error of a request that is wrong at one place, a JSON pointer."""
    return InvalidRequest(INVALID, (FieldError(place, code, detail),))


def validated(
    model: type[_Model],
    value: Any,
    rules: Rules | None = None,
    most: int = MOST_ERRORS,
    now: float | None = None,
) -> _Model:
    """The value as a model that keeps the rules. Raises InvalidRequest that names at most `most` wrong fields; with the
    epoch seconds of `now` among them an end that has passed."""
    if not isinstance(value, dict):
        raise invalid_at("", "type", "must be a JSON object")
    if (fault := excess(value)) is not None:
        raise InvalidRequest(INVALID, (fault,))
    broken = rules(value) if rules is not None else iter(())
    try:
        read = model.model_validate(value, by_alias=True, context={"now": now})
    except ValidationError as error:
        raise _invalid(told(chain(_field_errors(error), broken), most + 1), most) from error
    if named := told(broken, most + 1):
        raise _invalid(named, most)
    return read


def _invalid(named: tuple[FieldError, ...], most: int) -> InvalidRequest:
    if len(named) == 1 and named[0].code == SENTENCE:
        return InvalidRequest(named[0].detail, named)
    return InvalidRequest(INVALID if len(named) <= most else INVALID_AND_MORE, named[:most])


def read_query(model: type[_Model], request: HttpRequest) -> _Model:
    """The query parameters as a model; one that is repeated is wrong."""
    repeated = [
        FieldError(pointer(name), "repeated", "is given more than once")
        for name, values in request.query.items()
        if len(values) > 1
    ]
    once = {name: values[0] for name, values in request.query.items()}
    return validated(model, once, lambda _: iter(repeated))


def read_idempotency_key(request: HttpRequest) -> str | None:
    """The Idempotency-Key header, None when absent. Raises InvalidRequest."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    key = key.strip()
    if not 0 < len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        detail = f"must have 1 to {LONGEST_KEY} printable ASCII characters"
        raise InvalidRequest(
            f"The Idempotency-Key header {detail}",
            (FieldError("/headers/idempotency-key", "idempotency_key", detail),),
        )
    return key


def _field_errors(error: ValidationError) -> Iterator[FieldError]:
    for item in error.errors(include_url=False, include_input=False):
        wrong = item.get("ctx", {}).get("error")
        code = wrong.code if isinstance(wrong, WrongText) else item["type"]
        detail = str(wrong) if isinstance(wrong, WrongText) else item["msg"]
        steps = [step for step in item["loc"] if step != "[key]"]
        yield FieldError(pointer(*steps), code, detail)
