"""What is posted of each event: a sample body for the form of a webhook, of messages and addresses that there are not.

Pure. A test holds each beside what is really posted: it has the same fields.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_AT = "2026-03-22T12:00:00.000Z"
_LATER = "2026-03-22T12:05:00.000Z"
_EMAIL: Mapping[str, Any] = {
    "id": 12345,
    "token": "abcdef1234567890",
    "direction": "outgoing",
    "status": "Sent",
    "from": "sales@acme.example",
    "to": "bob@example.com",
    "subject": "Welcome",
    "message_id": "bbc6d07ad6ab@acme.example",
    "stream": "outbound",
    "tag": "welcome",
    "metadata": {"order": "17"},
    "size": 20480,
    "spam_status": "NotChecked",
    "received_at": _AT,
}
_DELIVERY: Mapping[str, Any] = {
    "id": 7,
    "status": "Sent",
    "details": "Message for bob@example.com accepted by 198.51.100.7:25 (mx.example.com)",
    "output": "250 2.0.0 OK queued as 4F1Xyz",
    "at": _AT,
    "seconds": 0.22,
    "sent_with_tls": True,
    "tls": "TLSv1.3 TLS_AES_256_GCM_SHA384",
    "source": "192.0.2.10",
    "remote": "198.51.100.7:25 (mx.example.com)",
    "log_id": "AB12CD34",
    "cause": None,
    "report": None,
}
_REPORT: Mapping[str, Any] = {
    "id": 7,
    "kind": "bounce",
    "email": 12345,
    "report_email": 12350,
    "at": _AT,
    "recipient": "bob@example.com",
    "cause": "recipient_unknown",
    "action": "failed",
    "status": "5.1.1",
    "diagnostic": "smtp; 550 5.1.1 User unknown",
    "remote_mta": "mx.example.com",
    "feedback_type": None,
    "source_ip": None,
    "matched_by": "return_path",
    "suppressed": True,
}
_VISIT: Mapping[str, Any] = {
    "at": _AT,
    "address": "192.0.2.1",
    "user_agent": "Mozilla/5.0",
    "automatic": False,
}
_SUPPRESSION: Mapping[str, Any] = {
    "address": "bob@example.com",
    "scope": "server",
    "stream": None,
    "reason": "bounce",
    "text": "bounce",
    "note": None,
    "evidence": {"email": 12345, "report": 7},
    "created_by": None,
    "created_at": _AT,
    "expires_at": None,
}
_DOMAIN: Mapping[str, Any] = {
    "name": "acme.example",
    "owner": "server",
    "uuid": "0fcd3ba5-46b1-4b7a-8d2c-0a4d2f1c9a10",
    "verification_method": "DNS",
    "verified_at": _AT,
    "lapses_at": None,
    "use_for_any": False,
    "incoming": False,
    "dns_ok": False,
    "dkim_ok": False,
    "return_path_ok": True,
    "checked_at": _AT,
    "next_check_at": _LATER,
    "created_at": _AT,
    "keys": [],
    "records": [],
}
_LIMIT: Mapping[str, Any] = {
    "owner": "server",
    "period": "hour",
    "limit": 1000,
    "used": 900,
    "action": "hold",
    "resets_at": _LATER,
}
_RATE: Mapping[str, Any] = {
    "rate": "complaint_rate",
    "stream": "news",
    "limit": 0.3,
    "percent": 0.42,
    "since": _AT,
    "until": _LATER,
}
_BY: Mapping[str, Any] = {"kind": "user", "id": "usabcdefghij", "name": "ada@acme.example"}
_WAIT: Mapping[str, Any] = {
    "code": "manual",
    "detail": "Held by Ada.",
    "since": _AT,
    "until": _LATER,
    "others": None,
    "ahead": None,
}


def _mail(status: str, **more: Any) -> dict[str, Any]:
    return {"email": {**_EMAIL, "status": status}, **more}


def _delivered(status: str, details: str, output: str | None, **more: Any) -> dict[str, Any]:
    about = {"status": status, "details": details, "output": output}
    return {**_mail(status), "delivery": {**_DELIVERY, **about}, **more}


_FULL = "452 4.2.2 Mailbox full"
_UNKNOWN = "550 5.1.1 User unknown"
_DATA: Mapping[str, Mapping[str, Any]] = {
    "email.received": {
        "email": {
            **_EMAIL,
            "direction": "incoming",
            "status": "Pending",
            "from": "bob@example.com",
            "to": "support@acme.example",
        },
        "route": {"id": "rtmuzogUauKN", "name": "support"},
    },
    "email.scheduled": _mail("Pending", scheduled_at=_LATER),
    "email.delivered": _mail("Sent", delivery=_DELIVERY),
    "email.delayed": _delivered(
        "SoftFail", "The receiver could not take it", _FULL, next_attempt_at=_LATER
    ),
    "email.failed": _delivered("HardFail", "The receiver refused it", _UNKNOWN),
    "email.held": _delivered("Held", "Held by Ada.", None, wait=_WAIT, hold_expires_at=_LATER),
    "email.released": _mail("Pending", by=_BY),
    "email.cancelled": _delivered("HoldCancelled", "The hold was cancelled", None, by=_BY),
    "email.bounced": _mail("Bounced", report=_REPORT),
    "email.complained": _mail(
        "Sent", report={**_REPORT, "kind": "complaint", "feedback_type": "abuse", "cause": "spam"}
    ),
    "email.opened": _mail("Sent", visit=_VISIT),
    "email.clicked": _mail("Sent", visit={**_VISIT, "url": "https://acme.example/welcome"}),
    "email.unsubscribed": _mail("Sent", suppression={**_SUPPRESSION, "reason": "unsubscribe"}),
    "suppression.added": {"suppression": _SUPPRESSION},
    "suppression.removed": {"suppression": _SUPPRESSION},
    "domain.dns_failed": {"domain": _DOMAIN},
    "domain.dns_recovered": {"domain": {**_DOMAIN, "dns_ok": True, "dkim_ok": True}},
    "server.limit_approaching": {"limit": _LIMIT},
    "server.limit_exceeded": {"limit": {**_LIMIT, "used": 1000}},
    "server.rate_exceeded": {"rate": _RATE},
    "server.rate_recovered": {"rate": _RATE},
    "webhook.test": {"webhook": "whabcdefghij"},
}


def sample(event: str) -> str:
    """The body of an event as it is posted, on lines for people."""
    body = {
        "id": "0fcd3ba5-46b1-4b7a-8d2c-0a4d2f1c9a10",
        "type": event,
        "timestamp": _AT,
        "server": "acme/mail",
        "data": _DATA[event],
    }
    return json.dumps(body, indent=1, ensure_ascii=False)
