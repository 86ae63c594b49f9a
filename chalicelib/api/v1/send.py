"""The actions `send/message` and `send/raw` (contract sections 2.2 and 2.3).

Checks run in the contract's order and the first failing one is reported. Texts that would break out of a header or
envelope line are refused by name; recipients are otherwise not checked for syntax, because clients rely on one bad
address not stopping the others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from chalicelib.api.http import Call
from chalicelib.api.v1.envelope import Failure, ParameterFault, Parameters
from chalicelib.api.v1.parameters import (
    LONGEST_ENTRY,
    LONGEST_LIST,
    addressed,
    as_text,
    bare,
    decoded,
    entries,
    has_base64,
    is_blank,
    is_true,
    line,
    refuse_fault,
    text,
)
from chalicelib.domain.acceptance import Acceptance, Door
from chalicelib.domain.mail.address import split_list
from chalicelib.domain.mail.compose import (
    Attachment,
    Draft,
    envelope_addresses,
    header_faults,
    read_mailbox,
)
from chalicelib.domain.mail.header_rendering import (
    LONGEST_FILENAME,
    LONGEST_VALUE,
    Mailbox,
    content_type_fault,
    name_fault,
    text_fault,
    value_fault,
)
from chalicelib.domain.mail.mailbox import envelope_address, envelope_fault
from chalicelib.domain.mail.newlines import normalise_newlines
from chalicelib.domain.model import Message
from chalicelib.services.limits.at_acceptance import SendLimitExceeded
from chalicelib.services.outgoing.authorise_sender import NOT_AUTHORISED, SenderRefused
from chalicelib.services.outgoing.submission import Recipient, Submission
from chalicelib.services.outgoing.submit import SubmitMail

MOST_ADDRESSES = 50
MOST_HEADERS = 200
MOST_ATTACHMENTS = 500
MOST_RAW_RECIPIENTS = 10_000  # spellings; an installation's own limit of recipients is far below
LONGEST_TAG = 255
DEFAULT_CONTENT_TYPE = "application/octet-stream"
_TOO_MANY = "The maximum number of {} addresses has been reached (maximum 50)"
_SHOWABLE = re.compile(r'[^\s@,;:<>"()\[\]\\]+')


async def send_message(call: Call, parameters: Parameters) -> dict[str, Any]:
    """Compose a message and accept it once a recipient."""
    listed = {name: entries(parameters, name) for name in ("to", "cc", "bcc")}
    _check_contract(parameters, listed)
    typed = {name: addressed(name, entries) for name, entries in listed.items()}
    draft = _draft(parameters, listed)
    if not draft.author.address:
        raise Failure("UnauthenticatedFromAddress", NOT_AUTHORISED)
    given = parameters.get("attachments")
    files = [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []
    try:
        draft = replace(draft, attachments=_attachments(files))
    except (Failure, ParameterFault):
        await call.program[SubmitMail].authorise(call.principal, draft)
        raise
    envelope = envelope_addresses(address for name in typed for address in typed[name])
    submission = Submission(
        principal=call.principal,
        mail_from=draft.author.address,
        recipients=_recipients(envelope),
        draft=draft,
        acceptance=_acceptance(call),
        tag=line(parameters, "tag", LONGEST_TAG) or None,
        bounce=is_true(parameters.get("bounce")),
        smtputf8=draft.needs_smtputf8 or not all(map(str.isascii, envelope.values())),
    )
    made = await _submitted(call, submission)
    return _success(made, envelope)


async def send_raw(call: Call, parameters: Parameters) -> dict[str, Any]:
    """Accept a finished message, once a distinct recipient."""
    rcpt_to = parameters.get("rcpt_to")
    if not isinstance(rcpt_to, list):
        raise ParameterFault("`rcpt_to` parameter is required but is missing")
    for name in ("mail_from", "data"):
        if is_blank(parameters.get(name)):
            raise ParameterFault(f"`{name}` parameter is required but is missing")
    typed = entries(parameters, "rcpt_to")
    if len(typed) > MOST_RAW_RECIPIENTS:
        raise ParameterFault(f"`rcpt_to` parameter has more than {MOST_RAW_RECIPIENTS} entries")
    addresses = addressed("rcpt_to", typed)
    sent_to = envelope_addresses(addresses)
    envelope = {entry: sent_to[address] for entry, address in zip(typed, addresses, strict=True)}
    sender = bare(line(parameters, "mail_from", LONGEST_ENTRY) or "")
    refuse_fault("mail_from", envelope_fault(sender))
    mail_from = envelope_address(sender) or sender
    submission = Submission(
        principal=call.principal,
        mail_from=mail_from,
        recipients=_recipients(envelope),
        content=normalise_newlines(decoded("data", parameters["data"])),
        acceptance=_acceptance(call),
        bounce=is_true(parameters.get("bounce")),
        smtputf8=not all(map(str.isascii, (mail_from, *envelope.values()))),
    )
    try:
        made = await _submitted(call, submission)
    except SenderRefused as refused:
        raise Failure("UnauthenticatedFromAddress") from refused
    return _success(made, envelope)


def _acceptance(call: Call) -> Acceptance:
    request = call.request
    return Acceptance(Door.API, request.client_address, request.request_id)


async def _submitted(call: Call, submission: Submission) -> tuple[Message, ...]:
    """The messages that were accepted. A send limit that refuses is told as all errors of this version are."""
    try:
        return await call.program[SubmitMail].submit(submission, call.request.client_address)
    except SendLimitExceeded as full:
        raise Failure("SendLimitExceeded", full.public) from full


def _recipients(envelope: Mapping[str, str]) -> tuple[Recipient, ...]:
    return tuple(map(Recipient, dict.fromkeys(envelope.values())))


def _success(made: Sequence[Message], envelope: Mapping[str, str]) -> dict[str, Any]:
    """The answer: every address as the client typed it, with the message it stands for."""
    found = {message.rcpt_to: message for message in made}
    messages = {
        typed: {"id": found[address].id, "token": found[address].token}
        for typed, address in envelope.items()
    }
    return {"message_id": made[0].message_id or None if made else None, "messages": messages}


def _check_contract(parameters: Parameters, listed: Mapping[str, tuple[str, ...]]) -> None:
    """The checks that come before authorisation, in order."""
    if not any(listed.values()):
        raise Failure("NoRecipients", "There are no recipients defined to receive this message")
    for name, shown in (("to", "To"), ("cc", "CC"), ("bcc", "BCC")):
        if len(listed[name]) > MOST_ADDRESSES:
            raise Failure(f"TooMany{shown}Addresses", _TOO_MANY.format(shown))
    if is_blank(text(parameters, "plain_body")) and is_blank(text(parameters, "html_body")):
        raise Failure("NoContent", "There is no content defined for this e-mail")
    if is_blank(text(parameters, "from")):
        raise Failure("FromAddressMissing", "The From address is missing and is required")


def _draft(parameters: Parameters, listed: Mapping[str, tuple[str, ...]]) -> Draft:
    """The message without attachments; its author has no address when `from` is no mailbox."""
    sender = line(parameters, "sender", LONGEST_ENTRY)
    replies = line(parameters, "reply_to", LONGEST_LIST)
    headers = _headers(parameters.get("headers"))
    read = tuple(map(read_mailbox, split_list(replies or "")))
    reply_to = tuple(mailbox for mailbox in read if mailbox)
    if len(reply_to) < len(read):
        headers = (
            *(pair for pair in headers if pair[0].lower() != "reply-to"),
            ("Reply-To", replies or ""),
        )
        refuse_fault("reply_to", value_fault(replies or ""))
        reply_to = ()
    author = read_mailbox(line(parameters, "from", LONGEST_ENTRY) or "", any_name=True)
    return Draft(
        author=author or Mailbox("", ""),
        sender=_sender(sender) if sender and sender.strip() else None,
        to=tuple(map(_shown, listed["to"])),
        cc=tuple(map(_shown, listed["cc"])),
        reply_to=reply_to,
        subject=line(parameters, "subject", LONGEST_VALUE),
        text=text(parameters, "plain_body"),
        html=text(parameters, "html_body"),
        headers=headers,
    )


def _sender(entry: str) -> Mailbox:
    mailbox = read_mailbox(entry, any_name=True)
    if mailbox is None:
        raise ParameterFault("`sender` parameter is invalid: is not an e-mail address")
    return mailbox


def _shown(entry: str) -> Mailbox:
    """A recipient as a header shows it; not at all when that could be read as something else."""
    address = bare(entry)
    return read_mailbox(entry) or Mailbox("", address if _SHOWABLE.fullmatch(address) else "")


def _headers(given: Any) -> tuple[tuple[str, str], ...]:
    """Extra headers; anything but an object is ignored."""
    if not isinstance(given, dict):
        return ()
    if len(given) > MOST_HEADERS:
        raise ParameterFault(f"`headers` parameter has more than {MOST_HEADERS} entries")
    headers = tuple((name.replace("_", "-"), as_text(value)) for name, value in given.items())
    for name, value in headers:
        refuse_fault(f"headers[{name[:80]}]", name_fault(name) or value_fault(value))
    for name, fault in header_faults(headers):
        refuse_fault(f"headers[{name}]", fault)
    return headers


def _attachments(files: list[dict[str, Any]]) -> tuple[Attachment, ...]:
    if any(is_blank(item.get("name")) for item in files):
        raise Failure("AttachmentMissingName", "An attachment is missing a name")
    if any(not has_base64(item.get("data")) for item in files):
        raise Failure("AttachmentMissingData", "An attachment is missing data")
    if len(files) > MOST_ATTACHMENTS:
        raise ParameterFault(f"`attachments` parameter has more than {MOST_ATTACHMENTS} entries")
    return tuple(map(_attachment, range(len(files)), files))


def _attachment(number: int, item: dict[str, Any]) -> Attachment:
    name = text(item, "name") or ""
    content_type = (text(item, "content_type") or "").strip(" ") or DEFAULT_CONTENT_TYPE
    refuse_fault(f"attachments[{number}][name]", text_fault(name, LONGEST_FILENAME))
    refuse_fault(f"attachments[{number}][content_type]", content_type_fault(content_type))
    content = decoded(f"attachments[{number}][data]", item["data"])
    return Attachment(name, content_type, content)
