"""`posthorn server statistics` for people and for machines."""

from __future__ import annotations

import pytest

from chalicelib import bootstrap
from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.groups import Dimension, GroupAddition
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.statistics import NAMED, Addition, Count, slots_of
from chalicelib.ports.group_counts import GroupCounts
from chalicelib.ports.statistics import Statistics
from tests.integration.cli.conftest import Run


def count(app: Posthorn, run: Run, ago: float, **counts: int) -> None:
    """Count something on the one server, some time ago."""
    server = ServerId(run("server", "show", "--json").json["id"])
    added = [Addition("1", {Count(name): number for name, number in counts.items()})]
    for slot in slots_of(server, app[ControlledClock].now() - ago):
        bootstrap.run(app[Statistics].add(f"{ago} ago", slot, added))


def test_a_table_has_a_row_a_slot_and_the_sums(demo: Run, app: Posthorn) -> None:
    count(app, demo, 0, outgoing=3, sent=2, soft_fails=1)
    count(app, demo, 3_600, outgoing=1, sent=1)
    lines = demo("server", "statistics", "demo/demo").out.splitlines()
    assert lines[0].split() == ["HOUR", "OUTGOING", "SENT", "SOFT", "FAILS", "HARD", "FAILS"]
    assert [line.split()[-4:] for line in lines[1:]] == [
        ["1", "1", "0", "0"],
        ["3", "2", "1", "0"],
        ["4", "3", "1", "0"],
    ]
    assert lines[-1].startswith("together")


def test_json_has_every_counter(demo: Run, app: Posthorn) -> None:
    count(app, demo, 0, clicks=5)
    found = demo("server", "statistics", "--period", "minute", "--json").json
    assert found["period"] == "minute"
    assert found["totals"] == {count.value: 0 for count in NAMED} | {"clicks": 5}
    assert len(found["data"]) == 1


@pytest.mark.parametrize(
    ("since", "days"), [("1d", 2), ("90m", 2), ("10d", 3), ("2000-01-01T00:00Z", None)]
)
def test_since_is_a_time_or_how_long_ago(
    demo: Run, app: Posthorn, since: str, days: int | None
) -> None:
    for ago in (0, 3_600, 5 * 86_400):
        count(app, demo, ago, outgoing=1)
    outcome = demo("server", "statistics", "--since", since, "--json")
    if days is None:
        assert outcome.code == 1
        assert "more than 1500 slots" in outcome.err
    else:
        assert outcome.json["totals"]["outgoing"] == days


@pytest.mark.parametrize("wrong", ["soon", "5w", "-3h", "2026-13-01"])
def test_a_wrong_time_is_wrong_usage(demo: Run, wrong: str) -> None:
    outcome = demo("server", "statistics", f"--since={wrong}")
    assert outcome.code == 2
    assert "neither a time nor a span" in outcome.err


def test_an_organization_is_the_sum_of_its_servers(demo: Run, app: Posthorn) -> None:
    count(app, demo, 0, outgoing=3)
    demo("server", "create", "Second")
    found = demo("statistics", "show", "--organization", "demo", "--json").json
    assert found["totals"]["outgoing"] == 3
    assert found == demo("statistics", "show", "--server", "demo/demo", "--json").json
    assert "OUTGOING" in demo("statistics", "show", "--organization", "demo").out


def grouped(app: Posthorn, run: Run, number: int, *groups: tuple[Dimension, str], **n: int) -> None:
    """Count something of groups on the one server, now."""
    server = ServerId(run("server", "show", "--json").json["id"])
    hour = int(app[ControlledClock].now()) // 3_600 * 3_600
    added = [GroupAddition(str(number), hour, groups, n)]
    bootstrap.run(app[GroupCounts].add("test", server, added))


def test_groups_have_a_row_each(demo: Run, app: Posthorn) -> None:
    domain, tag = (Dimension.DOMAIN, "gmail.com"), (Dimension.TAG, "")
    grouped(app, demo, 1, domain, tag, outgoing=4, sent=3, sent_messages=3, t40=3)
    grouped(app, demo, 2, (Dimension.WEBHOOK, "wh1"), delivered=2, failed=1, t35=3)
    head, row = demo("statistics", "show", "--group-by", "domain").out.splitlines()
    assert head.split()[:3] == ["DOMAIN", "OUTGOING", "SENT"]
    assert row.split() == ["gmail.com", "4", "3", "0", "0", "75.0%", "0.0%", "1.3", "s"]
    assert demo("statistics", "show", "--group-by", "tag").out.splitlines()[1].startswith("-")
    hooks = demo("statistics", "show", "--group-by", "webhook").out.splitlines()
    assert hooks[1].split()[:3] == ["wh1", "2", "1"]
    shown = demo("statistics", "show", "--only", "domain:gmail.com", "--json").json
    assert shown["totals"]["outgoing"] == 4
    found = demo("statistics", "show", "--group-by", "domain", "--json").json
    assert found["data"][0]["group"] == "gmail.com"
    refused = demo("statistics", "show", "--only", "weather:fine")
    assert refused.code == 1


def test_a_server_at_a_glance(demo: Run, app: Posthorn) -> None:
    count(app, demo, 60, outgoing=3, incoming=1)
    lines = demo("server", "overview", "demo/demo").out.splitlines()
    assert lines[0].split() == ["server", "demo/demo"]
    assert any(line.endswith("1 incoming, 3 outgoing") for line in lines)
    found = demo("server", "overview", "--json").json
    assert found["last_hour"]["outgoing"] == 3
