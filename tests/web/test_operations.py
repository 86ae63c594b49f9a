"""Many at once: what is said before, the button with the number, the operation's page, forms that are sent twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chalicelib import bootstrap
from chalicelib.services.jobs.run import RunJobs
from chalicelib.web.bulk import VERBS, Chosen, acts_on, is_number, needs_number, title_of
from tests.web.looking import VIEWER, Looker, Shown
from tests.web.test_message import deliver
from tests.web.test_messages import EVIL, sent
from tests.web.test_queue import held


def work(looker: Looker) -> None:
    """Do what jobs there are."""
    for _ in range(10):
        bootstrap.run(looker.api.scene.posthorn[RunJobs].run(5))
        deliver(looker)
        looker.api.scene.clock.advance(5)


def begin(looker: Looker, asked: Shown, **fields: str) -> Shown:
    """Press the button of the page before."""
    names = ("verb", "key", "number", "ids", "all", "q", "direction", "status")
    kept = {one: asked.hidden(one) for one in names if f'name="{one}" value=' in asked.text}
    return looker.post("/operations", **(kept | fields))


def test_a_selection_is_looked_at_then_released(looker: Looker) -> None:
    numbers = held(looker, 3)
    (waiting,) = sent(looker)
    asked = looker.get("/operations/new", verb="release", ids=[*numbers, waiting])
    asked.has("The 4 that were selected", "Left alone: ", "Release 3 messages")
    assert looker.manage("GET", f"/emails/{numbers[0]}")["held"] is True
    begun = begin(looker, asked)
    assert begin(looker, asked).location == begun.location
    looker.follow(begun).has("Release messages", "Queued", "How far it is", "Stop")
    work(looker)
    over = looker.follow(begun)
    over.has("Done", "What failed", f"{waiting}")
    assert "hx-trigger" not in over.text
    assert looker.manage("GET", f"/emails/{numbers[0]}")["held"] is False


def test_all_that_match_are_meant_as_the_list_shows_them(looker: Looker) -> None:
    held(looker, 2)
    asked = looker.get("/operations/new", verb="release", all="1", status="held", q="order")
    asked.has(
        "All messages that are held and match order",
        "Match 2",
        "Release 2 messages",
        "Some of them",
    )
    begun = begin(looker, asked)
    work(looker)
    looker.follow(begun).has("Messages 2", "Done 2")


def test_cancelling_more_than_a_hundred_asks_for_the_number(looker: Looker) -> None:
    held(looker, 101)
    asked = looker.get("/operations/new", verb="cancel", all="1", status="held")
    asked.has("Type 101 to go on", "Cancel 101 messages")
    wrong = begin(looker, asked)
    assert wrong.status == 422
    wrong.has("Type the number of messages")
    assert begin(looker, asked, number="1", typed="1").status == 422
    assert begin(looker, asked, typed="101").status == 303


def test_one_message_is_not_called_messages(looker: Looker) -> None:
    held(looker)
    looker.get("/operations/new", verb="release", all="1", status="held").has("Release 1 message")


def test_nothing_to_do_is_said_and_no_button_is_there(looker: Looker) -> None:
    sent(looker)
    shown = looker.get("/operations/new", verb="release", all="1", q="order")
    shown.has("There is nothing to do")
    assert shown.forms() == []


@pytest.mark.parametrize(
    "query",
    [{}, {"verb": "release"}, {"verb": "explode", "all": "1"}, {"verb": "cancel", "ids": "x"}],
)
def test_without_messages_or_verb_it_leads_back(looker: Looker, query: dict[str, str]) -> None:
    shown = looker.get("/operations/new", **query)
    assert shown.location == f"{looker.server}/messages"


def test_a_search_that_cannot_be_read_leads_back_with_what_is_wrong(looker: Looker) -> None:
    shown = looker.get("/operations/new", verb="hold", all="1", q="form:x")
    assert shown.status == 303
    looker.follow(looker.follow(shown)).has("form")


def test_no_operations_yet_and_the_list_of_them(looker: Looker) -> None:
    looker.get("/operations").has("No operation in 30 days")
    numbers = held(looker)
    begin(looker, looker.get("/operations/new", verb="release", ids=numbers))
    looker.get("/operations").has("Release messages", "Queued", "owner@acme.test")


def test_a_poll_that_has_seen_everything_is_answered_with_nothing(looker: Looker) -> None:
    begun = begin(looker, looker.get("/operations/new", verb="release", ids=held(looker)))
    path = begun.location.removeprefix(looker.server)
    seen = looker.get(path).text.split("seen=")[1].split('"')[0]
    assert looker.get(path, seen=seen).status == 204
    work(looker)
    assert looker.get(path, seen=seen).status == 200


def test_it_can_be_stopped_and_what_failed_be_tried_again(looker: Looker) -> None:
    numbers = held(looker, 2)
    begun = begin(looker, looker.get("/operations/new", verb="release", ids=numbers))
    stopped = looker.post(begun.location.removeprefix(looker.server) + "/stop")
    looker.follow(stopped).has("It stops within five seconds")


def test_an_export_gives_a_link_that_is_made_anew(looker: Looker) -> None:
    sent(looker)
    begun = looker.post("/messages/export", q="", direction="outgoing", format="csv", key="once")
    work(looker)
    looker.follow(begun).has("Export", "The file", "Download", "Rows 1")


def test_who_may_only_look_cannot_begin_one(looker: Looker) -> None:
    numbers = held(looker)
    looker.role = VIEWER
    assert looker.get("/operations/new", verb="cancel", ids=numbers).status == 403
    assert looker.post("/operations", verb="cancel", ids=str(numbers[0])).status == 403
    assert looker.get("/operations").status == 200


def test_an_operation_that_is_not_there_is_404(looker: Looker) -> None:
    assert looker.get("/operations/jbnothing").status == 404
    assert looker.post("/operations/jbnothing/stop").status == 404


def test_samples_that_cannot_be_had_fail_alone(looker: Looker, broken: Callable[..., None]) -> None:
    numbers = held(looker)
    broken("/emails")
    looker.get("/operations/new", verb="release", ids=numbers).has("Release 1 message")


def test_hostile_subjects_and_searches_do_nothing(looker: Looker) -> None:
    (number,) = sent(looker, 1, subject=EVIL)
    looker.manage("POST", f"/emails/{number}/hold")
    shown = looker.get("/operations/new", verb="release", all="1", q=f'-"{EVIL}"')
    listed = looker.get("/operations/new", verb="release", ids=number)
    for one in (shown, listed):
        assert "<script>alert" not in one.text
        assert "\u202e" not in one.text


def test_what_is_chosen_is_read_from_any_text() -> None:
    assert Chosen.of({"ids": ["1,2", "2", "x", "-3", "0", "9" * 30]}).ids == (1, 2)
    assert len(Chosen.of({"ids": [",".join(map(str, range(1, 5_000)))]}).ids) == 1_000
    assert Chosen.of({"direction": ["sideways"], "status": ["<b>"], "all": ["1"]}).wanted == {
        "filter": {}
    }
    assert Chosen.of({"ids": ["1"]}).fields == [("ids", "1")]


def test_numbers_and_titles() -> None:
    preview = {"matched": 120, "skipped": [{"detail": "x", "count": 10}]}
    assert acts_on(preview) == 110
    assert needs_number("cancel", preview)
    assert not needs_number("release", preview)
    assert is_number("1,234", 1234)
    assert not is_number("", 0)
    assert title_of("erase") == "Erase an address"
    assert title_of("brand_new") == "Brand new"
    assert all("{}" in one.word and not one.title.endswith(".") for one in VERBS.values())
