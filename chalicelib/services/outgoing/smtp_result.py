"""What the end of a conversation means, or that there was none: reply, break or failure as an `AttemptResult`."""

from __future__ import annotations

from chalicelib.domain.errors import MailError, OutcomeUnknown, TemporaryFailure
from chalicelib.domain.incoming.causes import TRANSIENT, cause_of_reply, is_about_us
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
    cause = "" if verdict is Verdict.SENT else cause_of_reply(result.reply, result.stage)
    about_us = cause != "" and is_about_us(cause, final=verdict is Verdict.HARD)
    about_sender = verdict is not Verdict.SENT and result.stage == "MAIL"
    return AttemptResult(
        verdict,
        details,
        output=_cut(str(result.reply)),
        tls=conversation.tls,
        source=conversation.source,
        remote=remote,
        retry_hint=hint,
        about_us=about_us or about_sender or classify.leaves_the_host(result.reply, result.stage),
        cause=cause,
        heard=attempt.transcript.heard(),
    )


def interrupted(
    conversation: Conversation, attempt: SmtpAttempt, error: TemporaryFailure
) -> AttemptResult:
    """A conversation that broke off, or in which the server stayed silent until it was too late: nothing was said of
    the recipient."""
    late = attempt.is_late(error)
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
        cause="no_answer" if late else "connection",
        heard=attempt.transcript.heard(),
    )


def unreachable(attempt: SmtpAttempt) -> AttemptResult:
    """No host could be talked to. Raises TemporaryFailure or PermanentFailure when no mail may go to any."""
    if attempt.private and not attempt.reached:
        raise only_private_hosts(attempt.tries)
    failure = attempt.last_failure
    cause = _cause_of_silence(failure)
    return AttemptResult(
        Verdict.SOFT,
        classify.unreachable_text(attempt.domain, attempt.tried),
        output=_cut(failure.public) if failure else None,
        retry_hint=classify.retry_after_hint(failure.public) if failure else None,
        about_us=attempt.turned_away or is_about_us(cause, final=False),
        cause=cause,
        heard=attempt.transcript.heard(),
    )


def gave_up(attempt: SmtpAttempt, verdict: Verdict, error: MailError) -> AttemptResult:
    """An end without a conversation: DNS, policy or the envelope decided."""
    details = error.public
    untried = isinstance(error, TemporaryFailure) and not attempt.tried
    if untried and error.reply.enhanced == "4.4.3":
        details = f"{classify.unreachable_text(attempt.domain, ())} {error.public}"
    final = verdict is Verdict.HARD
    ours = not final and error.reply.enhanced not in ABSENT
    cause = "" if ours else cause_of_reply(error.reply, "RCPT")
    about_us = ours or is_about_us(cause, final=final)
    return AttemptResult(
        verdict, details, output=_cut(str(error.reply)), about_us=about_us, cause=cause
    )


def _cause_of_silence(failure: TemporaryFailure | None) -> str:
    """Why no host could be talked to: what the last that failed, or the name servers, said."""
    if failure is None:
        return "routing"
    cause = cause_of_reply(failure.reply, "")
    spoke = "turned_away" in failure.fields
    return "connection" if cause == TRANSIENT and not spoke else cause


def _cut(text: str) -> str:
    return text[:LONGEST_OUTPUT]
