"""Crash matrix row 17: a worker whose clock is ahead sends a second copy; one finish settles, the other is refused."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from chalicelib.adapters.scripted.egress import ScriptedConversation
from chalicelib.domain.envelope import Envelope
from chalicelib.domain.model import State, Status
from chalicelib.ports.egress import TransactionResult
from chalicelib.services.outgoing.pipeline import SendOutgoing
from chalicelib.services.queue.attempt import AttemptDelivery, ReceivedJob
from tests.worlds import make_scene

if TYPE_CHECKING:
    import pytest


async def test_the_first_worker_s_finish_fails_and_the_log_says_that_the_lease_was_lost(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    scene = await make_scene()
    (accepted,) = await scene.accept()
    (received,) = await scene.queue.receive("default")
    plain = ScriptedConversation.transact
    calls = 0

    async def slow_once(
        self: ScriptedConversation, envelope: Envelope, content: Sequence[bytes]
    ) -> TransactionResult:
        nonlocal calls
        calls += 1
        if calls == 1:
            scene.clock.advance(500)
            assert await scene.deliver_ready() == 1
        return await plain(self, envelope, content)

    monkeypatch.setattr(ScriptedConversation, "transact", slow_once)
    with caplog.at_level(logging.WARNING):
        left = await scene.posthorn[AttemptDelivery].run(
            scene.posthorn[SendOutgoing], [ReceivedJob(received.job, received.receipt)]
        )
    assert left == set()
    assert "lease lost" in caplog.text
    record = await scene.record(accepted)
    assert (record.status, record.state, record.attempt) == (Status.SENT, State.DONE, 1)
    assert len(record.deliveries) == 1
    assert len(scene.egress.received) == 2
