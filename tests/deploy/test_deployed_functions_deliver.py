"""The packaged zip, deployed by the templates: a message posted to the API's URL is delivered by the deployed Lambdas."""

from __future__ import annotations

import pytest

from chalicelib import bootstrap
from chalicelib.domain.model import MessageId, Status
from tests.deploy.installation import PATIENCE_SECONDS, Installation, wait_for

pytestmark = [pytest.mark.aws, pytest.mark.slow]


def test_a_message_posted_to_the_api_is_delivered(installation: Installation) -> None:
    sent = installation.send("john@example.com")
    import time; time.sleep(8); print("\n".join(installation.log("DeliverDefault"))); print("\n".join(installation.log("Api"))); print(installation.order.target.client("sqs").get_queue_attributes(QueueUrl=installation.order.target.client("sqs").get_queue_url(QueueName=installation.deployed.queues["deliver-default"])["QueueUrl"],AttributeNames=["All"])); print(installation.order.target.client("lambda").list_event_source_mappings())
    (mail,) = installation.peer.wait_for_mails(1, 1)
    assert b"Subject: Hello" in mail.content

    def record() -> bool:
        store = installation.program.messages
        found = bootstrap.run(store.get(installation.server.id, MessageId(sent["id"])))
        return found.status is Status.SENT

    wait_for(record, "the record says Sent")
