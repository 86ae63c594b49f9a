"""A typed client of Posthorn's API v2.

with Client("https://mail.example.com", "ph_…") as client:
    client.send_email({"from": "hello@acme.example", "to": ["john@example.com"], "subject": "Hi", "text": "Hello"})

Each operation of the API is a method, named as in its OpenAPI document; bodies and answers are its JSON objects, typed
by `posthorn_client.models`. Needs nothing but the standard library, and is not asynchronous.
"""

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
