"""One process of Posthorn for the fault tests, told by its argument what to do; it may be told to die on the way.

`accept` submits one message and prints the answer as JSON. `work` plays the delivering function on what the queue
holds until it stays empty. `count` plays the outbox on all that the mail table's stream has. `sweep` runs the sweeper
once. Settings come from the environment, as in a function; with a state folder they are those of one host.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

import boto3

from chalicelib import bootstrap
from chalicelib.domain.ids import key_digest
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.services.outgoing.accept import AcceptMail
from chalicelib.services.outgoing.submission import Recipient, Submission
from chalicelib.services.queue.sweep import Sweep
from chalicelib.services.tenancy.authenticate import Authenticate
from infra.local.invocation import Context, sqs_event
from tests.fault import one_host_work
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
    accepted = await program[AcceptMail].submit(Submission(principal, "app@acme.test", to, CONTENT))
    return [{"id": each.id, "token": each.token} for each in accepted]


def work() -> None:
    """Receive, call the handler, delete what it does not hand back."""
    from functions.deliver import deliver

    sqs = boto3.client("sqs")
    prefix = bootstrap.posthorn().settings.queue_prefix
    url = sqs.get_queue_url(QueueName=f"{prefix}deliver-default")["QueueUrl"]
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
        left = deliver(
            sqs_event(messages, "arn:aws:sqs:us-east-1:000000000000:q", "us-east-1"),
            Context("deliver"),
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
    elif sys.argv[1] == "work":
        bootstrap.run(one_host_work.deliver()) if ON_ONE_HOST else work()
    elif sys.argv[1] == "count":
        bootstrap.run(one_host_work.count()) if ON_ONE_HOST else count()
    else:
        bootstrap.run(bootstrap.posthorn()[Sweep].run())
