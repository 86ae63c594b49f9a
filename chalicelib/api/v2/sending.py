"""Sending with API v2: one message, a batch, and uploads for what does not fit into a request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from chalicelib.api.base64_text import read_base64
from chalicelib.api.http import HttpAnswer, HttpRequest
from chalicelib.api.json_body import render_json
from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.bounds import MOST_ERRORS, pointer
from chalicelib.api.v2.confirmation import person_in
from chalicelib.api.v2.email_rules import batch_faults, email_faults
from chalicelib.api.v2.fields import mailbox_of
from chalicelib.api.v2.models import (
    MOST_IN_BATCH,
    AcceptedEmail,
    BatchResult,
    BatchResults,
    EmailToSend,
    Upload,
    UploadToMake,
)
from chalicelib.api.v2.objects import NoParameters, as_json
from chalicelib.api.v2.operation import once
from chalicelib.api.v2.problems import problem_of
from chalicelib.api.v2.requests import invalid_at, read_json, read_query, validated
from chalicelib.domain.acceptance import Acceptance, Door
from chalicelib.domain.errors import InvalidRequest, MailError, NotFound
from chalicelib.domain.mail.compose import Attachment, Draft, envelope_addresses
from chalicelib.domain.mail.composed_size import attached_octets
from chalicelib.domain.mail.newlines import normalise_newlines
from chalicelib.domain.model import Message
from chalicelib.domain.send_options import SendOptions
from chalicelib.services.idempotency import Answer
from chalicelib.services.jobs.import_suppressions import MOST_BYTES
from chalicelib.services.outgoing.submission import Recipient, Submission
from chalicelib.services.outgoing.submit import SubmitMail
from chalicelib.services.outgoing.uploads import Uploads
from chalicelib.services.system_mail import SystemMail


async def send_email(call: Call) -> HttpAnswer:
    """Send one message to one or more recipients."""
    value = read_json(call.request)
    read_query(NoParameters, call.request)
    email = validated(EmailToSend, value, email_faults)

    async def work() -> Answer:
        submission = _submission(call, email, await _uploads(call, email))
        made = await call.program[SubmitMail].submit(submission, call.request.client_address)
        return Answer(202, render_json(as_json(accepted_email(made))))

    return await once(call, work)


async def send_batch(call: Call) -> HttpAnswer:
    """Send up to 100 messages, each accepted or rejected by itself."""
    request = call.request
    items = read_json(request)
    read_query(NoParameters, request)
    if not isinstance(items, list) or not 1 <= len(items) <= MOST_IN_BATCH:
        raise invalid_at("", "batch", f"must be an array of 1 to {MOST_IN_BATCH} messages")

    async def work() -> Answer:
        read = list(_submissions_and_errors(call, items))
        submissions = [each for each in read if isinstance(each, Submission)]
        submit = call.program[SubmitMail]
        made = iter(await submit.submit_all(submissions, request.client_address))
        outcomes = [next(made) if isinstance(each, Submission) else each for each in read]
        results = [_result(index, outcome, request) for index, outcome in enumerate(outcomes)]
        accepted = sum(result.email is not None for result in results)
        answer = BatchResults(data=results, accepted=accepted, rejected=len(results) - accepted)
        request.notes.update(accepted=accepted, rejected=answer.rejected)
        return Answer(200, render_json(as_json(answer)), keep=accepted > 0)

    return await once(call, work)


async def send_test(call: Call) -> AcceptedEmail:
    """Send oneself a first message, from the installation's own address; for people, who have one."""
    address = person_in(call).user.email
    return accepted_email(await call.program[SystemMail].first_message(call.server, address))


async def make_upload(call: Call, wanted: UploadToMake) -> Upload:
    """Get permission to upload a message, an attachment or a file to import that is too large for a request."""
    most = MOST_BYTES if "suppressions:write" in call.caller.scopes else 0
    ticket = await call.program[Uploads].ticket(call.server, wanted.size, most)
    return Upload.model_validate(ticket)


def _submissions_and_errors(call: Call, items: list[Any]) -> Iterator[Submission | MailError]:
    """What each item submits, or what is wrong with it: 100 fields in the whole batch, and the first of every item."""
    room = MOST_ERRORS
    for item in items:
        try:
            email = validated(EmailToSend, item, batch_faults, max(room, 1))
            yield _submission(call, email, {})
        except InvalidRequest as error:
            room -= len(error.errors)
            yield error


async def _uploads(call: Call, email: EmailToSend) -> dict[str, bytes]:
    """The uploads that a message names, by id. InvalidRequest when one is missing."""
    named = {
        item.upload: pointer("attachments", n, "upload") for n, item in enumerate(email.attachments)
    }
    named[email.raw_upload] = "/raw_upload"
    ids = [upload for upload in named if upload is not None]
    try:
        uploads = call.program[Uploads]
        return await uploads.contents(call.server, ids, lambda of: _octets(email, of))
    except NotFound as missing:
        place = named[str(missing.fields["upload"])]
        detail = "there is no finished upload with this id"
        raise invalid_at(place, "not_found", detail) from missing


def _octets(email: EmailToSend, uploads: Mapping[str, int]) -> int:
    """The least that a message can have, with the sizes of its uploads; what is in the request itself is small."""
    if email.raw_upload is not None:
        return uploads[email.raw_upload]
    return sum(
        attached_octets(item.content_type, uploads[item.upload])
        for item in email.attachments
        if item.upload is not None
    )


def _submission(call: Call, email: EmailToSend, uploads: dict[str, bytes]) -> Submission:
    """What a valid request submits."""
    addresses = (mailbox_of(entry).address for entry in (*email.to, *email.cc, *email.bcc))
    envelope = tuple(dict.fromkeys(envelope_addresses(addresses).values()))
    recipients = tuple(map(Recipient, envelope))
    mail_from = mailbox_of(email.author, any_name=True).address
    tag = email.tag or (email.tags[0].value if email.tags else None)
    beyond_ascii = not all(map(str.isascii, (mail_from, *envelope)))
    request = call.request
    bare = Submission(
        call.principal,
        mail_from,
        recipients,
        tag=tag,
        smtputf8=beyond_ascii,
        options=_options(email),
        takes_key=_takes_key(request),
        acceptance=Acceptance(Door.API, request.client_address, request.request_id),
    )
    if email.raw is not None or email.raw_upload is not None:
        content = normalise_newlines(_bytes(email.raw, email.raw_upload, uploads))
        at = "/raw" if email.raw is not None else "/raw_upload"
        return replace(bare, content=content, header_at=at)
    draft = _draft(email, uploads)
    return replace(bare, smtputf8=beyond_ascii or draft.needs_smtputf8, draft=draft)


def _options(email: EmailToSend) -> SendOptions:
    at = email.scheduled_at
    return SendOptions(
        email.stream, email.metadata, None if at is None else at.timestamp(), email.unsubscribe
    )


def _takes_key(request: HttpRequest) -> bool:
    """Whether an idempotency key in a message acts: not beside that of the request."""
    return "idempotency-key" not in request.headers


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
                _bytes(item.content, item.upload, uploads),
                item.content_id,
            )
            for item in email.attachments
        ),
    )


def _bytes(content: str | None, upload: str | None, uploads: Mapping[str, bytes]) -> bytes:
    return uploads[upload] if upload is not None else read_base64(content or "")


def accepted_email(made: Sequence[Message]) -> AcceptedEmail:
    """The answer about the messages that were made of one."""
    first = made[0]
    return AcceptedEmail.model_validate(
        {"id": first.id, "message_id": first.message_id or None, "emails": made}
    )


def _result(
    index: int, outcome: Sequence[Message] | MailError, request: HttpRequest
) -> BatchResult:
    if not isinstance(outcome, MailError):
        return BatchResult(index=index, status=202, email=accepted_email(outcome))
    problem = problem_of(outcome, request)
    return BatchResult(index=index, status=problem.status, problem=problem)
