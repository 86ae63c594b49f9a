"""Who receives for a recipient's domain is kept with the message, and travels with an outcome that cannot be stored."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.domain import lifecycle
from chalicelib.domain.delivery_job import parse_job, render_job
from chalicelib.domain.model import DeliveryJob, MessageRecord, State, Status
from chalicelib.ports.messages import MessageStore
from tests.fakes import NOW, a_delivery, a_message, a_server_id
from tests.worlds import make_scene


async def test_the_host_that_mx_prefers_says_who_receives() -> None:
    scene = await make_scene()
    zone = scene.posthorn[ScriptedResolver].zone
    zone["shop.example"] = {"MX": [(20, "mx.backup.example"), (5, "aspmx.l.google.com")]}
    for host in ("mx.backup.example", "aspmx.l.google.com"):
        zone[host] = {"A": ["93.184.216.34"]}
    first, other = await scene.accept("a@shop.example", "b@example.com")
    await scene.deliver_ready()
    store = scene.posthorn[MessageStore]
    google = await store.get(first.server_id, first.id)
    assert (google.status, google.provider) == (Status.SENT, "google")
    assert (await store.get(other.server_id, other.id)).provider == "example.com"


async def test_nobody_receives_for_a_domain_that_does_not_exist() -> None:
    scene = await make_scene()
    (message,) = await scene.accept("a@gone.invalid")
    await scene.deliver_ready()
    record = await scene.posthorn[MessageStore].get(message.server_id, message.id)
    assert record.deliveries
    assert record.provider is None


def test_an_outcome_that_waits_in_the_queue_has_it() -> None:
    message = a_message(a_server_id(), 1)
    leased = MessageRecord(message, state=State.LEASED, lease_owner="me", lease_until=NOW + 60)
    after = lifecycle.done(replace(leased, provider="google"), a_delivery(1))
    job = DeliveryJob(message, 0, outcome=lifecycle.pending_outcome(leased, after))
    outcome = parse_job(render_job(job)).outcome
    assert outcome is not None
    assert lifecycle.ended(leased, outcome) == after
