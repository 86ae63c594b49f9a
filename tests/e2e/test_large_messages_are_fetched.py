"""A message beyond what an answer may hold: the API says where its bytes are, and they are there, all of them."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from uuid import uuid4

import pytest

from tests.e2e.stack import DIRECT, RunningStack, message
from tests.patience import PATIENCE

SIZE = 6 * 1024 * 1024


def noise(size: int) -> bytes:
    """Lines of random letters, which nothing can compress or guess."""
    letters = os.urandom(size // 2).hex()
    return b"".join(letters[at : at + 70].encode() + b"\r\n" for at in range(0, size, 70))


def uploaded(stack: RunningStack, content: bytes, key: dict[str, str]) -> str:
    """The id of an upload with this content."""
    status, answer = stack.request("POST", "/api/v2/uploads", {"size": len(content)}, key)
    assert status == 201, answer
    ticket = json.loads(answer)
    put = urllib.request.Request(  # noqa: S310  # the address comes from our own stack
        ticket["url"], content, {"Content-Type": ""} | ticket["headers"], method=ticket["method"]
    )
    with DIRECT.open(put, timeout=PATIENCE) as stored:
        assert stored.status == 200
    found: str = ticket["id"]
    return found


class Stay(urllib.request.HTTPRedirectHandler):
    """Shows a redirection instead of following it."""

    def redirect_request(self, *_: object) -> None:
        return None


def test_six_megabytes_come_back_byte_for_byte(stack: RunningStack) -> None:
    rcpt = f"fetched-{uuid4().hex[:8]}@example.test"
    content = message(rcpt, body=noise(SIZE).decode())
    assert len(content) > SIZE
    key = {"Authorization": f"Bearer {stack.facts['server']['api_key']}"}
    sent = {"from": stack.facts["server"]["from"], "to": [rcpt]}
    status, answer = stack.request(
        "POST", "/api/v2/emails", sent | {"raw_upload": uploaded(stack, content, key)}, key
    )
    assert status == 202, answer

    ask = urllib.request.Request(  # noqa: S310  # our own stack
        f"{stack.facts['api']}/api/v2/emails/{json.loads(answer)['id']}/raw", headers=key
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), Stay)
    with pytest.raises(urllib.error.HTTPError) as raised:
        opener.open(ask, timeout=PATIENCE)
    with raised.value as redirection:
        assert redirection.code == 303
        place = redirection.headers["Location"]
    assert place.startswith("http://127.0.0.1:")
    with DIRECT.open(place, timeout=PATIENCE) as fetched:
        assert fetched.headers["Content-Type"] == "message/rfc822"
        assert fetched.read() == content
