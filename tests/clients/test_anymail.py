"""django-anymail's Postal backend, unmodified, sends through API v1 over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from email import policy
from email.parser import BytesParser
from typing import Any

import pytest

from tests.http_api import ApiWorld, api_world, serving

pytestmark = pytest.mark.clients

django = pytest.importorskip("django", reason="django is not installed")
anymail = pytest.importorskip("anymail", reason="django-anymail is not installed")

from anymail.exceptions import AnymailRequestsAPIError  # noqa: E402
from anymail.message import AnymailMessage  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.mail import get_connection  # noqa: E402

if not settings.configured:
    settings.configure(INSTALLED_APPS=["anymail"], USE_TZ=True)
    django.setup()


@pytest.fixture
def served() -> Iterator[tuple[ApiWorld, str]]:
    with api_world() as api, serving(api) as port:
        yield api, f"http://127.0.0.1:{port}/"


def connection(served: tuple[ApiWorld, str], key: str | None = None) -> Any:
    api, url = served
    return get_connection(
        "anymail.backends.postal.EmailBackend",
        api_url=url,
        api_key=key or api.scene.api_key,
        fail_silently=False,
    )


def test_a_message_with_everything_that_the_backend_can_send(served: tuple[ApiWorld, str]) -> None:
    api, _ = served
    message = AnymailMessage(
        subject="Grüße ✓",
        body="Hello",
        from_email="Jürgen <app@acme.test>",
        to=['"Doe, John" <john@example.com>', "jane@example.com"],
        cc=["Zoë <cc@example.com>"],
        bcc=["hidden@example.com"],
        reply_to=["help@acme.test"],
        headers={"X-Custom": "value", "Message-ID": "<own@acme.test>"},
        connection=connection(served),
    )
    message.attach_alternative("<p>Hello</p>", "text/html")
    message.attach("naïve.txt", "text of the file", "text/plain")
    message.attach("data.bin", b"\x00\xff", "application/octet-stream")
    message.tags = ["welcome"]
    message.envelope_sender = "robot@acme.test"
    assert message.send() == 1
    status: Any = message.anymail_status
    assert status.status == {"queued"}
    assert set(status.recipients) == {
        "john@example.com",
        "jane@example.com",
        "cc@example.com",
        "hidden@example.com",
    }
    ids = {found.message_id for found in status.recipients.values()}
    assert len(ids) == 4
    assert all(isinstance(number, int) for number in ids)

    content = api.content(status.recipients["john@example.com"].message_id)
    read: Any = BytesParser(policy=policy.default).parsebytes(content)
    assert read["subject"] == "Grüße ✓"
    assert read["from"].addresses[0].display_name == "Jürgen"
    assert [address.display_name for address in read["to"].addresses] == ["Doe, John", ""]
    assert (read["reply-to"], read["x-custom"], read["sender"]) == (
        "help@acme.test",
        "value",
        "robot@acme.test",
    )
    assert b"hidden@" not in content
    assert read.get_body(("html",)).get_content() == "<p>Hello</p>"
    files = {part.get_filename(): part.get_content() for part in read.iter_attachments()}
    assert files == {"naïve.txt": "text of the file", "data.bin": b"\x00\xff"}
    shown = api.v2("GET", f"/emails/{status.recipients['john@example.com'].message_id}").json
    assert shown["tag"] == "welcome"


@pytest.mark.parametrize(
    ("author", "key", "code"),
    [
        ("app@other.test", None, "UnauthenticatedFromAddress"),
        ("app@acme.test", "wrong-key-of-nobody", "InvalidServerAPIKey"),
    ],
)
def test_errors_reach_the_caller(
    served: tuple[ApiWorld, str], author: str, key: str | None, code: str
) -> None:
    message = AnymailMessage(
        "S", "B", author, ["x@example.com"], connection=connection(served, key)
    )
    with pytest.raises(AnymailRequestsAPIError) as caught:
        message.send()
    assert code in str(caught.value)
    assert served[0].count() == 0
