"""An update from each released version's templates to ours replaces nothing that holds mail, a key or an address."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from infra.templates import Template, load, read_template
from tests.upgrade import kept
from tests.upgrade.updates import KEPT, lost


@pytest.mark.parametrize("name", kept.TEMPLATES)
def test_nothing_is_replaced_or_lost(version: str, name: str) -> None:
    before = read_template((kept.RELEASES / version / "templates" / name).read_text())
    assert list(lost(before, load(name))) == []


def test_our_templates_have_what_is_looked_at() -> None:
    types = {one.get("Type") for name in kept.TEMPLATES for one in load(name)["Resources"].values()}
    assert types >= KEPT.keys()


def resource(template: Template, name: str) -> Any:
    return template["Resources"][name]


Change = Callable[[Template], object]
# A change that must not be, and what is said of it.
CHANGES: dict[str, tuple[Change, str]] = {
    "gone": (lambda one: one["Resources"].pop("MailTable"), "MailTable is gone"),
    "a new name": (
        lambda one: resource(one, "MailBucket")["Properties"].update(BucketName="other"),
        "MailBucket has another BucketName",
    ),
    "another key": (
        lambda one: resource(one, "MailTable")["Properties"].update(KeySchema=[]),
        "MailTable has another KeySchema",
    ),
    "an index less": (
        lambda one: resource(one, "MailTable")["Properties"]["GlobalSecondaryIndexes"].pop(),
        "MailTable lost its index",
    ),
    "two indexes more": (
        lambda one: resource(one, "ControlTable")["Properties"].update(
            GlobalSecondaryIndexes=[{"IndexName": "a"}, {"IndexName": "b"}]
        ),
        "ControlTable gets more than one index",
    ),
    "another stream": (
        lambda one: resource(one, "MailTable")["Properties"].pop("StreamSpecification"),
        "MailTable has another stream",
    ),
    "not retained": (
        lambda one: resource(one, "Key").pop("DeletionPolicy"),
        "Key is not retained any more (DeletionPolicy)",
    ),
    "another type": (
        lambda one: resource(one, "DeliverDefault").update(Type="AWS::SNS::Topic"),
        "DeliverDefault has another Type",
    ),
    "only at times": (
        lambda one: resource(one, "Key").update(Condition="Sometimes"),
        "Key has another Condition",
    ),
    "an output less": (lambda one: one["Outputs"].pop("Bucket"), "the output Bucket is gone"),
    "something to be said": (
        lambda one: one["Parameters"].update(More={"Type": "String"}),
        "the parameter More is new and has no default",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_must_not_change_is_seen(name: str) -> None:
    change, sentence = CHANGES[name]
    before = load("data.yaml")
    after = copy.deepcopy(before)
    change(after)
    (found,) = lost(before, after)
    assert found.startswith(sentence)
