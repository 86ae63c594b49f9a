"""A typed client of Posthorn's API v2.

with Client("https://mail.example.com", "ph_…") as client:
    client.send_email({"from": "hello@acme.example", "to": ["john@example.com"], "subject": "Hi", "text": "Hello"})

Each operation of the API is a method, named as in its OpenAPI document; bodies and answers are its JSON objects, typed
by `posthorn_client.models`. Needs nothing but the standard library, and is not asynchronous.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from posthorn_client.client import Client
    from posthorn_client.errors import (
        AnswerTooLarge,
        PosthornError,
        ProblemError,
        Unreachable,
        UnreadableAnswer,
        WrongField,
    )
    from posthorn_client.http_transport import HttpTransport
    from posthorn_client.transport import Answer, Transport

__all__ = [
    "Answer",
    "AnswerTooLarge",
    "Client",
    "HttpTransport",
    "PosthornError",
    "ProblemError",
    "Transport",
    "Unreachable",
    "UnreadableAnswer",
    "WrongField",
]
_ELSEWHERE = {
    "Answer": "transport",
    "Client": "client",
    "HttpTransport": "http_transport",
    "Transport": "transport",
}


def __getattr__(name: str) -> Any:
    """A name of `__all__`, whose module is loaded when it is first asked for: a command that ends early needs none."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_ELSEWHERE.get(name, 'errors')}")
    return getattr(module, name)
