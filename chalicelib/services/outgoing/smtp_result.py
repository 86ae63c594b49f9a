"""What the end of a conversation means, or that there was none: reply, break or failure as an `AttemptResult`."""

from __future__ import annotations

from chalicelib.domain.errors import MailError, OutcomeUnknown, TemporaryFailure
from chalicelib.domain.outgoing.destination import only_private_hosts
from chalicelib.domain.smtp import classify
from chalicelib.domain.smtp.attempt_result import LONGEST_OUTPUT, AttemptResult
from chalicelib.domain.smtp.classify import Verdict
from chalicelib.domain.tenancy.sources import EgressSource
from chalicelib.ports.egress import Conversation, TransactionResult
from chalicelib.services.outgoing.smtp_attempt import SmtpAttempt

ABSENT = ("4.1.2", "4.4.3", "4.4.4")
"""What is said of a domain that cannot be found; every other end without a conversation is our own affair."""


def concluded(
    conversation: Conversation,
    source: EgressSource,
    attempt: SmtpAttempt,
    result: TransactionResult,
) -> AttemptResult:
    """What the server's deciding reply means (contract section 4.19)."""
    verdict = classify.classify(result.reply, result.stage)
    remote = classify.place(conversation.target)
    if verdict is Verdict.SENT:
        bound = conversation.source if source.address or source.address6 else ""
        details = classify.accepted_text(attempt.envelope.rcpt_to, remote, bound)
    else:
        details = classify.refused_text(verdict, remote)
    hint = classify.retry_after_hint(result.reply.text) if verdict is Verdict.SOFT else None
    about_us = verdict is not Verdict.SENT and classify.is_about_us(result.reply, result.stage)
    return AttemptResult(
        verdict,
        details,
        output=_cut(str(result.reply)),
        tls=conversation.tls,
        source=conversation.source,
        remote=remote,
        retry_hint=hint,
        about_us=about_us or classify.leaves_the_host(result.reply, result.stage),
    )


def interrupted(conversation: Conversation, error: TemporaryFailure, late: bool) -> AttemptResult:
    """A conversation that broke off, or (`late`) in which the server stayed silent: nothing was said of the
    recipient."""
    remote = classify.place(conversation.target)
    silent = classify.refused_text(Verdict.SOFT, remote)
    return AttemptResult(
        Verdict.SOFT,
        silent if late else classify.interrupted_text(remote),
        output=_cut(error.public),
        tls=conversation.tls,
        source=conversation.source,
        remote=remote,
        outcome_unknown=isinstance(error, OutcomeUnknown),
        about_us=True,
    )


def unreachable(attempt: SmtpAttempt) -> AttemptResult:
    """No host could be talked to. Raises TemporaryFailure or PermanentFailure when no mail may go to any."""
    if attempt.private and not attempt.reached:
        raise only_private_hosts(attempt.tries)
    failure = attempt.last_failure
    return AttemptResult(
        Verdict.SOFT,
        classify.unreachable_text(attempt.domain, attempt.tried),
        output=_cut(failure.public) if failure else None,
        retry_hint=classify.retry_after_hint(failure.public) if failure else None,
        about_us=attempt.turned_away,
    )


def gave_up(attempt: SmtpAttempt, verdict: Verdict, error: MailError) -> AttemptResult:
    """An end without a conversation: DNS, policy or the envelope decided."""
    details = error.public
    untried = isinstance(error, TemporaryFailure) and not attempt.tried
    if untried and error.reply.enhanced == "4.4.3":
        details = f"{classify.unreachable_text(attempt.domain, ())} {error.public}"
    ours = error.reply.enhanced not in ABSENT
    about_us = ours if verdict is Verdict.SOFT else classify.is_about_us(error.reply)
    return AttemptResult(verdict, details, output=_cut(str(error.reply)), about_us=about_us)


def _cut(text: str) -> str:
    return text[:LONGEST_OUTPUT]
