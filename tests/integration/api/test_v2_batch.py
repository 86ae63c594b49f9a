"""POST /api/v2/emails/batch: each item stands for itself."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http_api import ApiWorld

GOOD = {"from": "app@acme.test", "to": "x@example.com", "text": "Hello"}


def test_items_are_accepted_or_rejected_by_themselves(api: ApiWorld) -> None:
    items: list[Any] = [
        GOOD | {"to": ["a@example.com", "b@example.com"]},
        GOOD | {"from": "app@other.test"},
        GOOD | {"subject": "a\nb", "extra": 1},
        "no object",
        GOOD,
    ]
    reply = api.v2("POST", "/emails/batch", items)
    assert reply.status == 200
    results = reply.json["data"]
    assert [result["index"] for result in results] == [0, 1, 2, 3, 4]
    assert [result["status"] for result in results] == [202, 403, 422, 422, 202]
    assert (reply.json["accepted"], reply.json["rejected"]) == (2, 3)
    assert [len(result["email"]["emails"]) for result in (results[0], results[4])] == [2, 1]
    assert results[1]["problem"]["code"] == "sender_refused"
    assert {error["pointer"] for error in results[2]["problem"]["errors"]} == {"/subject", "/extra"}
    assert results[0]["problem"] is None
    assert api.count() == 3


def test_a_hundred_items_are_stored_in_one_object(api: ApiWorld) -> None:
    reply = api.v2("POST", "/emails/batch", [GOOD] * 100)
    assert reply.json["accepted"] == 100
    ids = {result["email"]["id"] for result in reply.json["data"]}
    assert len(ids) == 100


@pytest.mark.parametrize("body", [[], [GOOD] * 101, GOOD, "x", 5, None])
def test_a_body_that_is_no_batch_is_a_422(api: ApiWorld, body: Any) -> None:
    reply = api.v2("POST", "/emails/batch", b"null" if body is None else body)
    assert reply.status == 422
    assert [error["code"] for error in reply.json["errors"]] == ["batch"]
    assert api.count() == 0


def test_uploads_are_not_for_batches(api: ApiWorld) -> None:
    files = [5, {"filename": "b", "content": ""}, {"filename": "a", "upload": "abc"}]
    finished = {"from": "app@acme.test", "to": "x@example.com", "raw_upload": "abc"}
    reply = api.v2("POST", "/emails/batch", [GOOD | {"attachments": files}, finished])
    first, second = (result["problem"]["errors"] for result in reply.json["data"])
    found = {error["pointer"]: error["code"] for error in first}
    assert found == {"/attachments/0": "model_type", "/attachments/2/upload": "not_in_batch"}
    assert [(error["pointer"], error["code"]) for error in second] == [
        ("/raw_upload", "not_in_batch")
    ]
