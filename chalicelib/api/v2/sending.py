"""Sending with API v2: one message, a batch, and uploads for what does not fit into a request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

from chalicelib.api.base64_text import read_base64
from chalicelib.api.http import HttpAnswer, HttpRequest, MailProgram
from chalicelib.api.json_body import render_json
from chalicelib.api.v2.bounds import MOST_ERRORS, pointer
from chalicelib.api.v2.email_rules import batch_faults, email_faults
from chalicelib.api.v2.fields import mailbox_of
from chalicelib.api.v2.models import (
    MOST_IN_BATCH,
    AcceptedEmail,
    AcceptedRecipient,
    BatchResult,
    BatchResults,
    EmailToSend,
    Upload,
    UploadToMake,
    as_json,
)
from chalicelib.api.v2.problems import problem_of
from chalicelib.api.v2.requests import (
    INVALID,
    read_idempotency_key,
    read_json,
    read_principal,
    validated,
)
from chalicelib.domain.errors import FieldError, InvalidRequest, MailError, NotFound
from chalicelib.domain.mail.compose import Attachment, Draft, envelope_addresses
from chalicelib.domain.mail.composed_size import attached_octets
from chalicelib.domain.mail.message import normalise_newlines
from chalicelib.domain.model import Message
from chalicelib.services.idempotency import Answer, Idempotency, fingerprint
from chalicelib.services.outgoing.submission import Recipient, Submission
from chalicelib.services.outgoing.submit import SubmitMail
from chalicelib.services.outgoing.uploads import Uploads
from chalicelib.services.tenancy.authenticate import Principal

JSON_TYPE = {"Content-Type": "application/json"}


async def send_email(program: MailProgram, request: HttpRequest) -> HttpAnswer:
    """Accept one message."""
    principal = await read_principal(program, request)
    email = validated(EmailToSend, read_json(request), email_faults)

    async def work() -> Answer:
        submission = submission_of(principal, email, await _uploads(program, principal, email))
        made = await program[SubmitMail].submit(submission, request.client_address)
        return Answer(202, render_json(as_json(_accepted(made))))

    return await _once(program, request, principal, work)


async def send_batch(program: MailProgram, request: HttpRequest) -> HttpAnswer:
    """Accept each message of a batch that can be accepted, and say for each what became of it."""
    principal = await read_principal(program, request)
    items = read_json(request)
    if not isinstance(items, list) or not 1 <= len(items) <= MOST_IN_BATCH:
        detail = f"must be an array of 1 to {MOST_IN_BATCH} messages"
        raise InvalidRequest(INVALID, (FieldError("", "batch", detail),))

    async def work() -> Answer:
        read = list(_submissions_and_errors(principal, items))
        submissions = [each for each in read if isinstance(each, Submission)]
        made = iter(await program[SubmitMail].submit_all(submissions, request.client_address))
        outcomes = [next(made) if isinstance(each, Submission) else each for each in read]
        results = [_result(index, outcome, request) for index, outcome in enumerate(outcomes)]
        accepted = sum(result.email is not None for result in results)
        answer = BatchResults(data=results, accepted=accepted, rejected=len(results) - accepted)
        request.notes.update(accepted=accepted, rejected=answer.rejected)
        return Answer(200, render_json(as_json(answer)), keep=accepted > 0)

    return await _once(program, request, principal, work)


async def make_upload(program: MailProgram, request: HttpRequest) -> HttpAnswer:
    """Permission to upload one message or attachment."""
    principal = await read_principal(program, request)
    wanted = validated(UploadToMake, read_json(request))
    ticket = await program[Uploads].ticket(principal.server, wanted.size)
    upload = Upload.model_validate(
        {
            "id": ticket.id,
            "url": ticket.url,
            "method": ticket.method,
            "headers": dict(ticket.headers),
            "expires_at": ticket.expires_at,
        }
    )
    return HttpAnswer(201, render_json(as_json(upload)), JSON_TYPE)


async def _once(
    program: MailProgram,
    request: HttpRequest,
    principal: Principal,
    work: Callable[[], Awaitable[Answer]],
) -> HttpAnswer:
    """The answer of `work`, or the first answer when the request carries a key that was used for it."""
    key = read_idempotency_key(request)
    if key is None:
        answer: Answer = await work()
    else:
        mark = fingerprint(request.method.encode(), request.path.encode(), request.body)
        answer = await program[Idempotency].answer(principal.server.id, key, mark, work)
    replayed = {"Idempotent-Replayed": "true"} if answer.replayed else {}
    return HttpAnswer(answer.status, answer.body, {**JSON_TYPE, **replayed})


def _submissions_and_errors(
    principal: Principal, items: list[Any]
) -> Iterator[Submission | MailError]:
    """What each item submits, or what is wrong with it: 100 fields in the whole batch, and the first of every item."""
    room = MOST_ERRORS
    for item in items:
        try:
            email = validated(EmailToSend, item, batch_faults, max(room, 1))
            yield submission_of(principal, email, {})
        except InvalidRequest as error:
            room -= len(error.errors)
            yield error


async def _uploads(
    program: MailProgram, principal: Principal, email: EmailToSend
) -> dict[str, bytes]:
    """The uploads that a message names, by id. InvalidRequest when one is missing."""
    named = {
        item.upload: pointer("attachments", n, "upload") for n, item in enumerate(email.attachments)
    }
    named[email.raw_upload] = "/raw_upload"
    ids = [upload for upload in named if upload is not None]
    try:
        return await program[Uploads].contents(principal.server, ids, lambda of: _octets(email, of))
    except NotFound as missing:
        upload = str(missing.fields["upload"])
        fault = FieldError(named[upload], "not_found", "there is no finished upload with this id")
        raise InvalidRequest(INVALID, (fault,)) from missing


def _octets(email: EmailToSend, uploads: Mapping[str, int]) -> int:
    """The least that a message can have, with the sizes of its uploads; what is in the request itself is small."""
    if email.raw_upload is not None:
        return uploads[email.raw_upload]
    return sum(
        attached_octets(item.content_type, uploads[item.upload])
        for item in email.attachments
        if item.upload is not None
    )


def submission_of(
    principal: Principal, email: EmailToSend, uploads: dict[str, bytes]
) -> Submission:
    """What a valid request submits."""
    addresses = (mailbox_of(entry).address for entry in (*email.to, *email.cc, *email.bcc))
    envelope = tuple(dict.fromkeys(envelope_addresses(addresses).values()))
    recipients = tuple(map(Recipient, envelope))
    mail_from = mailbox_of(email.author, any_name=True).address
    tag = email.tag or (email.tags[0].value if email.tags else None)
    beyond_ascii = not all(map(str.isascii, (mail_from, *envelope)))
    if email.raw is not None or email.raw_upload is not None:
        whole = read_base64(email.raw) if email.raw is not None else uploads[email.raw_upload or ""]
        content = normalise_newlines(whole)
        return Submission(principal, mail_from, recipients, content, tag, smtputf8=beyond_ascii)
    draft = _draft(email, uploads)
    beyond_ascii = beyond_ascii or draft.needs_smtputf8
    return Submission(principal, mail_from, recipients, tag=tag, smtputf8=beyond_ascii, draft=draft)


def _draft(email: EmailToSend, uploads: dict[str, bytes]) -> Draft:
    return Draft(
        author=mailbox_of(email.author, any_name=True),
        to=tuple(map(mailbox_of, email.to)),
        cc=tuple(map(mailbox_of, email.cc)),
        sender=mailbox_of(email.sender, any_name=True) if email.sender else None,
        reply_to=tuple(map(mailbox_of, email.reply_to)),
        subject=email.subject,
        text=email.text,
        html=email.html,
        headers=tuple(email.headers.items()),
        attachments=tuple(
            Attachment(
                item.filename,
                item.content_type,
                uploads[item.upload]
                if item.upload is not None
                else read_base64(item.content or ""),
                item.content_id,
            )
            for item in email.attachments
        ),
    )


def _accepted(made: Sequence[Message]) -> AcceptedEmail:
    emails = [
        AcceptedRecipient(id=message.id, token=message.token, to=message.rcpt_to)
        for message in made
    ]
    return AcceptedEmail(id=emails[0].id, message_id=made[0].message_id or None, emails=emails)


def _result(
    index: int, outcome: Sequence[Message] | MailError, request: HttpRequest
) -> BatchResult:
    if not isinstance(outcome, MailError):
        return BatchResult(index=index, status=202, email=_accepted(outcome))
    problem = problem_of(outcome, request)
    return BatchResult(index=index, status=problem.status, problem=problem)
