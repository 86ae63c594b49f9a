"""`posthorn server create ORG/SERVER` names a server as every other command does."""

from __future__ import annotations

import pytest

from tests.integration.cli.conftest import Run


def test_the_organization_may_stand_in_front(demo: Run) -> None:
    demo("organization", "create", "Other")
    made = demo("server", "create", "demo/two", "--json").json
    assert (made["server"], made["name"]) == ("demo/two", "two")
    assert demo("server", "show", "demo/two", "--json").json == made
    named = demo("server", "create", "other/two", "--permalink", "three", "--json").json
    assert (named["server"], named["name"]) == ("other/three", "two")
    unknown = demo("server", "create", "nobody/two")
    assert (unknown.code, "no such organization" in unknown.err.lower()) == (1, True)


def test_an_organization_is_named_once(demo: Run) -> None:
    twice = demo("server", "create", "demo/two", "--organization", "demo")
    assert (twice.code, "not both" in twice.err) == (2, True)


@pytest.mark.parametrize("name", ["Sales/Support", "24/7 support", "a/b/c"])
def test_a_name_may_have_a_slash(demo: Run, name: str) -> None:
    assert demo("server", "create", name, "--json").json["name"] == name
