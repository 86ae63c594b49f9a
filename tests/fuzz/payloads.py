"""Fuzz target: any message can be posted to an HTTP endpoint in every format, and what is posted can be read."""

from __future__ import annotations

import base64
import json

from chalicelib.domain.incoming import postal_payload, v2_payload
from chalicelib.domain.inspection import Inspection
from chalicelib.domain.model import BlobRef, Message, MessageRecord, Origin, Scope
from chalicelib.domain.numbering import MessageId, ServerId
from tests.fuzz.mail_bytes import SEEDS, WORDS

__all__ = ["SEEDS", "WORDS"]
MESSAGE = Message(
    ServerId(1), MessageId(1), "t" * 16, Scope.INCOMING, "", "a+b@acme.test", "", "", 1.5, 1, BlobRef("r/1", 0, 1),
    Origin("@incoming", "acme.test", ""),
)  # fmt: skip
RECORD = MessageRecord(MESSAGE, inspection=Inspection())


def fuzz_payloads(data: bytes) -> None:
    """All formats and encodings; the raw one gives the message back."""
    for flat in (False, True):
        payload = postal_payload.hash_payload(
            RECORD, data, strip_replies=flat, attachments=True, flat=flat
        )
        assert json.loads(postal_payload.json_body(payload)) == payload
        postal_payload.form_body(payload)
    raw = json.loads(postal_payload.json_body(postal_payload.raw_payload(RECORD, data)))
    assert base64.b64decode(raw["message"]) == data
    content = v2_payload.read_incoming(data)
    shown = v2_payload.message_objects(content, RECORD)
    attachments = v2_payload.attachment_objects(data, content.attachments, {}, with_content=True)
    assert json.loads(postal_payload.json_body(shown)) == shown
    assert json.loads(postal_payload.json_body({"all": attachments}))["all"] == attachments
    for one in (*shown["from"], *shown["to"], *shown["reply_to"]):
        assert "\n" not in one["name"] + one["address"]
