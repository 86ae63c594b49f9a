"""Rows as entries: our own columns, and the exports of other senders by their headers."""

from __future__ import annotations

import pytest

from chalicelib.domain.csv_rows import delimiter_of, rows_of
from chalicelib.domain.errors import Rejected
from chalicelib.domain.mail.suppression_rows import Given, ListedRow, columns_of, read_row
from chalicelib.domain.suppression import NEVER, Reason

NOW = 1_800_000_000.0
SERVER = Given(False)


def read(text: str, given: Given = SERVER) -> list[ListedRow | str]:
    data = text.encode()
    header, *rows = rows_of(data, 1, delimiter_of(data), is_last=True)
    columns = columns_of(header.cells)
    found: list[ListedRow | str] = []
    for row in rows:
        try:
            found.append(read_row(row.cells, columns, given, NOW))
        except Rejected as wrong:
            found.append(wrong.public)
    return found


def row(reason: Reason, note: str | None = None, **more: object) -> ListedRow:
    return ListedRow("a@x.example", None, reason, note, None, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "EmailAddress,SuppressionReason,Origin,CreatedAt\na@x.example,HardBounce,Recipient,2020",
            row(Reason.BOUNCE),
        ),
        ("EmailAddress,SuppressionReason\na@x.example,SpamComplaint", row(Reason.COMPLAINT)),
        ("EmailAddress,SuppressionReason\na@x.example,ManualSuppression", row(Reason.MANUAL)),
        (
            "status,reason,email,created\n5.1.1,550 no such user,a@x.example,1",
            row(Reason.BOUNCE, "550 no such user"),
        ),
        (
            "address,code,error,created_at\na@x.example,550,No such user,now",
            row(Reason.BOUNCE, "No such user"),
        ),
        ("EmailAddress,Reason,LastUpdateTime\na@x.example,COMPLAINT,now", row(Reason.COMPLAINT)),
        ("Email Address;Reason\na@x.example;bounce", row(Reason.BOUNCE)),
        ("recipient\nA@X.example", row(Reason.MANUAL)),
        ("EMAIL,other\na@x.example,1", row(Reason.MANUAL)),
    ],
)
def test_exports_of_others_are_known_by_their_headers(text: str, expected: ListedRow) -> None:
    assert read(text) == [expected]


def test_rows_say_more_than_the_address() -> None:
    text = (
        "address,scope,stream,reason,note,expires_at\n"
        "*@x.example,server,,unsubscribe,'=1,never\n"
        "b@x.example,stream,news,,,2030-01-01T00:00:00Z\n"
        f"c@x.example,,alerts,complaint,{'n' * 300},2030-01-01\n"
    )
    assert read(text) == [
        ListedRow("*@x.example", None, Reason.UNSUBSCRIBE, "=1", NEVER),
        ListedRow("b@x.example", "news", Reason.MANUAL, None, 1_893_456_000),
        ListedRow("c@x.example", "alerts", Reason.COMPLAINT, "n" * 200, 1_893_456_000),
    ]


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ("nobody,,,,", "has no e-mail address"),
        (",,,bounce,", "has no e-mail address"),
        ("a@x.example,other,,,", "has a scope that is none of ours"),
        ("a@x.example,organization,,,", "is of another list than this one"),
        ("a@x.example,stream,,,", "names no stream"),
        ("a@x.example,stream,N!,,", "names a stream that cannot be"),
        ("a@x.example,,,why not,", "has a reason that is none of ours"),
        ("a@x.example,,,,soon", "has an expires_at that is no time"),
        ("a@x.example,,,,2020-01-01", "has an expires_at that has passed"),
        ("a@x.example,,,,0001-01-01T00:00:00+23:59", "has an expires_at that has passed"),
    ],
)
def test_what_is_wrong_with_a_row_is_said(cells: str, said: str) -> None:
    (found,) = read(f"address,scope,stream,reason,expires_at\n{cells}")
    assert found == said


def test_what_the_import_says_stands_for_what_rows_leave_out() -> None:
    given = Given(False, "news", Reason.COMPLAINT)
    text = "address,reason,scope\na@x.example,,\nb@x.example,whatever,server\nc@x.example,bounce,stream"
    assert read(text, given) == [
        ListedRow("a@x.example", "news", Reason.COMPLAINT, None, None),
        ListedRow("b@x.example", None, Reason.COMPLAINT, None, None),
        ListedRow("c@x.example", "news", Reason.BOUNCE, None, None),
    ]


def test_a_header_without_addresses_is_refused() -> None:
    with pytest.raises(Rejected, match="names no column"):
        columns_of(("name", "reason"))
    with pytest.raises(Rejected, match=r"or recipient among its first 1,000$"):
        columns_of([f"c{number}" for number in range(1_000)])
