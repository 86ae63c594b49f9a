"""A message's life as text: what was accepted, each attempt with the other side's words, what comes next.

Pure: objects of the API in, text out. Every foreign word goes through `visible`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chalicelib.cli.terminal import clock_time, epoch_of, facts, moment, span, visible, yes
from posthorn_client.models import DeliveryEntry, EmailWithActivity, Follower, Report, Visitor

_REPORTED = {
    "bounce": "Bounce",
    "delay": "Delay",
    "complaint": "Complaint",
    "auto_reply": "Auto-reply",
}
OPEN = frozenset({"Pending", "SoftFail"})  # statuses of what is not done, unless it is held
_WIDTH = 13  # the longest status, HoldCancelled


def render_timeline(
    email: EmailWithActivity, deliveries: Sequence[DeliveryEntry], now: float
) -> str:
    """The message's facts, then one block for each event, oldest first: what became of it, then opens, clicks and
    reports.

    `now` is epoch seconds.
    """
    lines = [_facts(email), ""]
    lines.append(
        _event(
            email["received_at"],
            "Accepted",
            f"from {email['from'] or '<>'} for {email['to']}, {email['size']} bytes",
        )
    )
    for delivery in deliveries:
        lines.extend(_delivery_lines(delivery))
    lines.extend(_next(email, now))
    hits = [
        *((one["at"], _opened(one)) for one in email["opens"]),
        *((one["at"], _clicked(one)) for one in email["clicks"]),
    ]
    hits += [(one["at"], _reported(one)) for one in email["reports"]]
    for _, hit in sorted(hits, key=lambda hit: hit[0]):
        lines.extend(hit)
    return "\n".join(lines)


def _delivery_lines(delivery: DeliveryEntry) -> Iterator[str]:
    """One attempt: its status and details, then what is known about the conversation."""
    yield _event(delivery["at"], delivery["status"], delivery["details"])
    if delivery["output"]:
        yield _more("reply", delivery["output"])
    if delivery["remote"]:
        yield _more("way", f"{delivery['source'] or 'any address'} → {delivery['remote']}")
    if delivery["remote"] or delivery["tls"]:
        yield _more("TLS", delivery["tls"] or ("yes" if delivery["sent_with_tls"] else "none"))
    if delivery["seconds"] is not None:
        yield _more("took", f"{delivery['seconds']:.2f} s")
    if delivery["cause"]:
        yield _more("cause", delivery["cause"])
    if delivery["log_id"]:
        yield _more("log", delivery["log_id"])


def _reported(report: Report) -> list[str]:
    """A report, as the other side put it."""
    about = f"for {report['recipient']}" if report["recipient"] else ""
    lines = [_event(report["at"], _REPORTED[report["kind"]], about)]
    told = (("reply", report["diagnostic"]), ("cause", report["cause"]))
    return [*lines, *(_more(name, text) for name, text in told if text)]


def _opened(hit: Visitor) -> list[str]:
    """An open. What the client said of itself is shown, never obeyed."""
    return [_hit(hit, "Opened"), *_client(hit)]


def _clicked(hit: Follower) -> list[str]:
    return [_hit(hit, "Clicked"), _more("link", hit["url"]), *_client(hit)]


def _hit(hit: Visitor, what: str) -> str:
    seems = " (automatic)" if hit["automatic"] else ""
    return _event(hit["at"], what, f"from {hit['address'] or 'an unknown address'}{seems}")


def _client(hit: Visitor) -> list[str]:
    return [_more("client", hit["user_agent"])] if hit["user_agent"] else []


def _facts(email: EmailWithActivity) -> str:
    pairs = [
        ("Message", f"{email['id']} ({email['direction']})"),
        ("Status", email["status"] + (", held" if email["held"] else "")),
        ("From", email["from"] or "<>"),
        ("To", email["to"]),
        ("Subject", email["subject"]),
        ("Message-ID", email["message_id"]),
        ("Tag", email["tag"] or ""),
        ("Token", email["token"]),
        ("Credential", email["credential"]),
        ("Route", email["route"]["name"] if email["route"] else ""),
        ("Endpoint", email["endpoint"]["name"] if email["endpoint"] else ""),
        ("Reports on", str(email["bounce_of"] or "")),
        ("Spam", "" if email["spam_status"] == "NotChecked" else email["spam_status"]),
        ("Over TLS", yes(email["received_with_tls"])),
        ("Came by", _came(email)),
        ("Did not pass", _failed(email)),
        ("Request", str(email["request"]) if email["request"] != email["id"] else ""),
    ]
    return facts([(name, value) for name, value in pairs if value])


def _came(email: EmailWithActivity) -> str:
    """By which door, from where, in which request."""
    if (how := email["accepted"]) is None:
        return ""
    client = f" from {how['client']}" if how["client"] else ""
    request = f", request {how['request_id']}" if how["request_id"] else ""
    return f"{how['by']}{client}{request}"


def _failed(email: EmailWithActivity) -> str:
    checks = email["accepted"]["checks"] if email["accepted"] else []
    return "; ".join(
        f"{one['check']}: {one['detail']}" for one in checks if one["result"] == "fail"
    )


def _next(email: EmailWithActivity, now: float) -> Iterator[str]:
    if email["held"]:
        if email["hold_expires_at"] is not None:
            yield _event(email["hold_expires_at"], "(expires)", "the hold ends without sending")
        elif (why := email["wait"]) is not None and why["until"] is not None:
            yield _event(why["until"], "(leaves)", "by itself, about then")
        return
    attempt, planned = email["tries"] + 1, email["next_attempt_at"]
    if planned is not None and epoch_of(planned) > now:
        wait = span(epoch_of(planned) - now)
        yield _event(planned, "(next)", f"attempt {attempt} of {email['most_tries']}, in {wait}")
        if email["gives_up_at"] is not None:
            yield _event(email["gives_up_at"], "(given up)", "if every further attempt fails")
    elif planned is not None or email["status"] in OPEN:
        text = f"attempt {attempt} is running, or runs as soon as a worker is free"
        yield f"{moment(now)}  {'(now)'.ljust(_WIDTH)}  {text}"


def _event(at: str, what: str, text: str) -> str:
    return f"{clock_time(at)}  {what.ljust(_WIDTH)}  {visible(text)}".rstrip()


def _more(what: str, text: str) -> str:
    return f"{' ' * 19}  {what.rjust(_WIDTH)}  {visible(text)}"
