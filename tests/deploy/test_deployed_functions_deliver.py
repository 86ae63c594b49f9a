"""The packaged zip, deployed by the templates: what is posted to the API's URL is delivered by the deployed Lambdas."""

from __future__ import annotations

import secrets

import pytest

from chalicelib import bootstrap
from chalicelib.domain.model import Status
from chalicelib.domain.numbering import MessageId
from chalicelib.ports.messages import MessageStore
from tests.deploy.installation import Installation, wait_for

pytestmark = [pytest.mark.aws, pytest.mark.slow]


def status_of(installation: Installation, message: int) -> Status:
    store = installation.program[MessageStore]
    return bootstrap.run(store.get(installation.server.id, MessageId(message))).status


def mails_to(installation: Installation, address: str) -> list[bytes]:
    return [mail.content for mail in installation.peer.mails if address in mail.rcpt_to]


def test_a_message_posted_to_the_api_is_delivered(installation: Installation) -> None:
    address = f"{secrets.token_hex(4)}@example.com"
    sent = installation.send(address)
    (mail,) = wait_for(lambda: mails_to(installation, address), "the message at its receiver")
    assert b"Subject: Hello" in mail
    wait_for(lambda: status_of(installation, sent["id"]) is Status.SENT, "the record says Sent")
    wait_for(
        lambda: any('"unit": "deliver"' in line for line in installation.log("DeliverDefault")),
        "the attempt in the function's log",
    )


def test_a_message_put_off_is_sent_again_by_its_own_wake_up(installation: Installation) -> None:
    address = f"{secrets.token_hex(4)}@example.com"
    installation.peer.once("RCPT", "451 4.3.0 not now")
    installation.send(address)
    mails = wait_for(lambda: mails_to(installation, address), "the second try")
    assert len(mails) == 1


def test_a_poisoned_wake_up_stays_with_the_dead_letters(installation: Installation) -> None:
    """What cannot be read is handed back to the queue, not lost and not taken for done."""
    sqs = installation.order.target.client("sqs")
    name = installation.deployed.queues["dead"]
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="not a wake-up")
    wait_for(
        lambda: any('"left": 1' in line for line in installation.log("Deadletters")),
        "the dead letter in the function's log",
    )
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    assert sum(int(counts[one]) for one in names) == 1
    sqs.purge_queue(QueueUrl=url)
