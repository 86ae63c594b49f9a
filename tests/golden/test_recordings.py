"""Every recording is played or waits by name, and every difference has its sentence in the documentation."""

from __future__ import annotations

import pytest

from tests.docs.pages import ROOT
from tests.golden.comparison import Difference, Row, Table, differences
from tests.golden.recordings import (
    FOLDER,
    LATER,
    PLAYED,
    WITH_INCOMING_MAIL,
    api_calls,
    dialogues,
    visits,
)
from tests.golden.rows import API, MAIL, SMTP, TRACKED


def test_every_file_is_played_or_waits() -> None:
    assert {file.name for file in FOLDER.glob("*.json")} == PLAYED | LATER
    assert PLAYED.isdisjoint(LATER)


def test_what_waits_for_incoming_mail_was_recorded() -> None:
    recorded = {"api-v1.json": {call.title for call in api_calls()}, "smtp.json": set(dialogues())}
    assert recorded.keys() == WITH_INCOMING_MAIL.keys()
    assert {name: WITH_INCOMING_MAIL[name] - recorded[name] for name in recorded} == {
        name: set() for name in recorded
    }


def test_no_recording_is_lost() -> None:
    assert len({call.title for call in api_calls()}) == len(api_calls()) == 65
    assert len(dialogues()) == 24
    assert len({visit.title for visit in visits()}) == len(visits()) == 12


@pytest.mark.parametrize(
    ("page", "reason"), sorted({(row.page, row.reason) for row in (*API, *SMTP, *TRACKED, *MAIL)})
)
def test_the_documentation_says_why(page: str, reason: str) -> None:
    assert reason in " ".join((ROOT / page).read_text().split())


@pytest.mark.parametrize(
    ("theirs", "ours", "expected"),
    [
        ({"a": 1, "b": None}, {"a": 1}, [Difference("b", "NoneType:None", "(absent)")]),
        ({"a": 1}, {"a": 1, "b": 2}, [Difference("b", "(absent)", "int:2")]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, [Difference(" (order)", "a b", "b a")]),
        ({"size": "850"}, {"size": 707}, [Difference("size", "str:{size}", "int:707")]),
        ({"size": "850"}, {"size": "707"}, []),
        ({"x": {"timestamp": 1795899514.5}}, {"x": {"timestamp": 1800000000.0}}, []),
        (
            {"timestamp": 1795899514.5},
            {"timestamp": 1800000000},
            [Difference("timestamp", "float:{timestamp}", "int:1800000000")],
        ),
        ([1, 2], [1], [Difference("[1]", "int:2", "(absent)")]),
        ({"held": False}, {"held": 0}, [Difference("held", "bool:False", "int:0")]),
        ("accepted by 127.0.0.1:2625 (a)", "accepted by 93.184.216.34:25 (a)", []),
        ("x", "y", [Difference("", "str:x", "str:y")]),
    ],
)
def test_what_the_comparison_sees(theirs: object, ours: object, expected: list[Difference]) -> None:
    assert list(differences(theirs, ours)) == expected


def test_a_row_explains_its_difference_and_no_other() -> None:
    row = Row("call*", "data.token", "str:a", "str:b", "page", "reason")
    table = Table([row])
    other = Difference("data.token", "str:a", "str:c")
    assert table.unexplained("call 1", [other]) == [other]
    assert table.needless == [row]
    assert table.unexplained("call 2", [Difference("data.token", "str:a", "str:b")]) == []
    assert table.needless == []
