"""What the command printed before it printed the objects of the API: the same fields, beside the API's, until 1.0."""

from __future__ import annotations

from typing import Any

from posthorn_client.models import DeliveryEntry, Domain, Email, Record, TrackDomain


def with_older_email(email: Email) -> dict[str, Any]:
    """A message, with the names of its envelope and of TLS that it had."""
    return {
        **email,
        "mail_from": email["from"],
        "rcpt_to": email["to"],
        "received_with_ssl": email["received_with_tls"],
    }


def with_older_delivery(delivery: DeliveryEntry) -> dict[str, Any]:
    """A delivery, with the name of TLS that it had."""
    return {**delivery, "sent_with_ssl": delivery["sent_with_tls"]}


def with_older_page(page: Any) -> dict[str, Any]:
    """A page of messages, with them under the name that they had too."""
    emails = [with_older_email(one) for one in page["data"]]
    return {**page, "data": emails, "messages": emails}


def with_older_domain(domain: Domain) -> dict[str, Any]:
    """A domain, with the selectors of the keys that sign, and what was found of its records."""
    signing = [one["selector"] for one in domain["keys"] if one["state"] == "active"]
    found = [older_finding(one) for one in domain["records"] if one["status"] is not None]
    return {**domain, "selectors": signing, "findings": found}


def with_older_track_domain(track: TrackDomain) -> dict[str, Any]:
    """A track domain, with what was found of its record as fields of its own."""
    record = track["record"]
    return {
        **track,
        "dns_status": record["status"],
        "dns_error": record["text"],
        "dns_checked_at": track["checked_at"],
        "records": [record],
    }


def older_finding(record: Record) -> dict[str, Any]:
    """What was found of a record, as an object of its own."""
    return {
        "purpose": record["purpose"],
        "name": record["name"],
        "status": record["status"],
        "text": record["text"],
    }
