"""One process of Posthorn for the fault tests, told by its argument what to do; it may be told to die on the way.

`accept` submits one message and prints the answer as JSON, scheduled for `FAULT_AHEAD` seconds later where that is
given; `arrive` has one come in for `FAULT_RCPT`, as the gateway does. `work` plays the delivering function on what its
queue holds until it stays empty, `take_in` that of incoming mail. `count` plays the outbox on all that the mail table's
stream has. `sweep` runs the sweeper once. What `by_hand` has is done by its name. Settings come from the environment,
as in a function; with a state folder they are those of one host.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import boto3

from chalicelib import bootstrap
from chalicelib.domain.ids import key_digest
from chalicelib.domain.send_options import SendOptions
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.ports.clock import Clock
from chalicelib.services.incoming.accept import AcceptIncoming
from chalicelib.services.incoming.arrivals import IncomingMail
from chalicelib.services.incoming.recipients import Recipients
from chalicelib.services.outgoing.accept import AcceptMail
from chalicelib.services.outgoing.submission import Recipient, Submission
from chalicelib.services.queue.sweep import Sweep
from chalicelib.services.tenancy.authenticate import Authenticate
from infra.local.invocation import Context, sqs_event
from tests.fault import by_hand, one_host_work
from tests.worlds import CONTENT

ON_ONE_HOST = bool(os.environ.get("POSTHORN_STATE_FOLDER"))
VISIBILITY = 3
QUIET = 1.0


async def accept() -> list[dict[str, Any]]:
    program = bootstrap.posthorn()
    kinds = frozenset({CredentialKind.SMTP})
    principal = await program[Authenticate].by_key(os.environ["FAULT_KEY"], kinds)
    assert principal.credential.digest == key_digest(os.environ["FAULT_KEY"])
    to = (Recipient(os.environ["FAULT_RCPT"]),)
    ahead = os.environ.get("FAULT_AHEAD")
    options = SendOptions(
        scheduled_at=program[Clock].now() + float(ahead) if ahead else None,
        stream="broadcast" if ahead else None,
    )
    submission = Submission(principal, "app@acme.test", to, CONTENT, options=options)
    accepted = await program[AcceptMail].submit(submission)
    return [{"id": each.id, "token": each.token} for each in accepted]


async def arrive() -> list[dict[str, Any]]:
    program = bootstrap.posthorn()
    hosted = [
        await program[Recipients].hosted(address) for address in os.environ["FAULT_RCPT"].split()
    ]
    recipients = tuple(one for one in hosted if one is not None)
    mail = IncomingMail("a@far.test", recipients, CONTENT)
    made = await program[AcceptIncoming].submit(mail)
    return [{"id": each.id, "server": each.server_id} for each in made]


def deliver() -> None:
    """Play the delivering function."""
    from functions.deliver import deliver

    work("deliver-default", deliver)


def take_in() -> None:
    """Play the function of incoming mail."""
    from functions.incoming import incoming

    work("incoming", incoming)


def work(queue: str, handler: Callable[[Any], Any]) -> None:
    """Receive, call the handler, delete what it does not hand back."""
    sqs = boto3.client("sqs")
    prefix = bootstrap.posthorn().settings.queue_prefix
    url = sqs.get_queue_url(QueueName=f"{prefix}{queue}")["QueueUrl"]
    last = time.monotonic()
    while time.monotonic() - last < QUIET:
        answer = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=VISIBILITY,
            WaitTimeSeconds=1,
            AttributeNames=["All"],
        )
        messages = answer.get("Messages", [])
        if not messages:
            continue
        last = time.monotonic()
        left = handler(
            sqs_event(messages, "arn:aws:sqs:us-east-1:000000000000:q", "us-east-1"),
            Context(queue),
        )
        kept = {each["itemIdentifier"] for each in left["batchItemFailures"]}
        for message in messages:
            if message["MessageId"] not in kept:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def count() -> None:
    """Hand every change to the function, from the oldest on, in one batch."""
    from bench.changes import Changes

    changes = Changes(bootstrap.posthorn().settings.mail_table)
    records = changes.take()
    assert records, "the stream is empty"
    changes.hand_over(records, len(records))


if __name__ == "__main__":
    if sys.argv[1] == "accept":
        print(json.dumps(bootstrap.run(accept())))
    elif sys.argv[1] == "arrive":
        print(json.dumps(bootstrap.run(arrive())))
    elif sys.argv[1] in ("work", "take_in"):
        if ON_ONE_HOST:
            bootstrap.run(one_host_work.deliver())
        else:
            take_in() if sys.argv[1] == "take_in" else deliver()
    elif sys.argv[1] in by_hand.VERBS:
        by_hand.run(sys.argv[1])
    elif sys.argv[1] == "count":
        bootstrap.run(one_host_work.count()) if ON_ONE_HOST else count()
    else:
        bootstrap.run(bootstrap.posthorn()[Sweep].run())
