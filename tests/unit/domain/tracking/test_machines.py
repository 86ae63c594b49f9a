"""The list of machines: lower case, a source each, nothing twice, and no word of what people use."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from chalicelib.domain.tracking.machines import (
    MACHINES,
    PREFETCHING,
    Announcement,
    Machine,
)
from chalicelib.domain.tracking.visit import Visit, is_automatic

PEOPLE = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; Microsoft Outlook 16.0.17726; ms-office; MSOffice 16)",
    "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Thunderbird/115.12.0",
)


def asked(agent: str, **headers: str) -> Visit:
    return Visit("GET", "/", "", {"user-agent": agent, **headers}, "192.0.2.1")


@pytest.mark.parametrize("machine", MACHINES, ids=lambda one: one.word)
def test_each_is_found_and_says_where_from(machine: Machine) -> None:
    assert machine.word == machine.word.lower().strip()
    assert urlsplit(machine.source).scheme == "https"
    assert is_automatic(asked(f"Mozilla/5.0 (compatible; {machine.word.upper()} 1.0)"))


def test_none_stands_twice() -> None:
    assert len({machine.word for machine in MACHINES}) == len(MACHINES)


@pytest.mark.parametrize("agent", PEOPLE)
def test_people_are_none(agent: str) -> None:
    assert not is_automatic(asked(agent))


@pytest.mark.parametrize("announcement", PREFETCHING, ids=lambda one: one.field)
def test_each_announcement_counts(announcement: Announcement) -> None:
    for word in announcement.words:
        assert is_automatic(asked(PEOPLE[0], **{announcement.field: word.title()}))
    assert not is_automatic(asked(PEOPLE[0], **{announcement.field: "navigation"}))
