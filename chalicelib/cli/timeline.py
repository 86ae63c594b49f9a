"""A message's life as text: what was accepted, each attempt with the other side's words, what comes next.

Pure: records in, text out. Every foreign word goes through `visible`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chalicelib.cli.terminal import facts, moment, span, visible, yes
from chalicelib.domain.engagement import EngagementEvent, EngagementKind
from chalicelib.domain.model import Delivery, MessageRecord, State
from chalicelib.services.messages.history import Activity

NOTHING_YET = Activity()
_WIDTH = 13  # the longest status, HoldCancelled


def render_timeline(
    record: MessageRecord,
    deliveries: Sequence[Delivery],
    now: float,
    activity: Activity = NOTHING_YET,
) -> str:
    """The message's facts, then one block for each event, oldest first: what became of it, then opens and clicks.

    `now` is epoch seconds.
    """
    lines = [_facts(record), ""]
    message = record.message
    lines.append(
        _event(
            message.received_at,
            "Accepted",
            f"from {message.mail_from or '<>'} for {message.rcpt_to}, {message.size} bytes",
        )
    )
    for delivery in deliveries:
        lines.extend(delivery_lines(delivery))
    lines.extend(_next(record, now))
    for hit in sorted((*activity.opens, *activity.clicks), key=lambda hit: hit.at):
        lines.extend(_hit_lines(hit))
    return "\n".join(lines)


def delivery_lines(delivery: Delivery) -> Iterator[str]:
    """One attempt: its status and details, then what is known about the conversation."""
    yield _event(delivery.at, delivery.status.value, delivery.details)
    if delivery.output:
        yield _more("reply", delivery.output)
    if delivery.remote:
        yield _more("way", f"{delivery.source or 'any address'} → {delivery.remote}")
    if delivery.remote or delivery.tls:
        yield _more("TLS", delivery.tls or ("yes" if delivery.sent_with_ssl else "none"))
    if delivery.seconds is not None:
        yield _more("took", f"{delivery.seconds:.2f} s")
    if delivery.log_id:
        yield _more("log", delivery.log_id)


def _hit_lines(hit: EngagementEvent) -> Iterator[str]:
    """An open or click. What the client said of itself is shown, never obeyed."""
    seems = " (automatic)" if hit.automatic else ""
    text = f"from {hit.address or 'an unknown address'}{seems}"
    yield _event(hit.at, "Opened" if hit.kind is EngagementKind.OPEN else "Clicked", text)
    if hit.url:
        yield _more("link", hit.url)
    if hit.user_agent:
        yield _more("client", hit.user_agent)


def _facts(record: MessageRecord) -> str:
    message = record.message
    pairs = [
        ("Message", f"{message.id} ({message.scope.value})"),
        ("Status", record.status.value + (", held" if record.held else "")),
        ("From", message.mail_from or "<>"),
        ("To", message.rcpt_to),
        ("Subject", message.subject),
        ("Message-ID", message.message_id),
        ("Tag", message.tag or ""),
        ("Token", message.token),
        ("Credential", message.origin.credential_id),
        ("Over TLS", yes(message.received_with_ssl)),
    ]
    return facts([(name, value) for name, value in pairs if value])


def _next(record: MessageRecord, now: float) -> Iterator[str]:
    if record.held:
        if record.hold_expires_at is not None:
            yield _event(record.hold_expires_at, "(expires)", "the hold ends without sending")
        return
    if record.state is State.WAITING:
        if record.wake_at > now:
            wait = span(record.wake_at - now)
            yield _event(record.wake_at, "(next)", f"attempt {record.tries + 1}, in {wait}")
        else:
            yield _event(now, "(next)", f"attempt {record.tries + 1}, as soon as a worker is free")
    elif record.state is State.LEASED:
        yield _event(now, "(now)", f"attempt {record.tries + 1} is running")


def _event(at: float, what: str, text: str) -> str:
    return f"{moment(at)}  {what.ljust(_WIDTH)}  {visible(text)}".rstrip()


def _more(what: str, text: str) -> str:
    return f"{' ' * 19}  {what.rjust(_WIDTH)}  {visible(text)}"
