"""Every declared noun is in the list, each after its owner, and its secrets can be taken out and put back."""

from __future__ import annotations

from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import pytest

from chalicelib import domain
from chalicelib.domain.nouns import NOUNS, secrets_of, with_secrets
from chalicelib.domain.tenancy.entity import Entity
from tests.contract.nouns import NOUNS as SAMPLES
from tests.contract.nouns import Noun


def test_every_declared_noun_is_in_the_list() -> None:
    declared = {
        value
        for found in walk_packages(domain.__path__, "chalicelib.domain.")
        for value in vars(import_module(found.name)).values()
        if isinstance(value, Entity)
    }
    assert declared == set(NOUNS)


@pytest.mark.parametrize("noun", SAMPLES, ids=lambda noun: noun.title)
def test_secrets_go_out_and_come_back(noun: Noun) -> None:
    value: Any = noun.full(noun.make())
    found = secrets_of(noun.entity, value)
    assert (
        with_secrets(noun.entity, value, {name: one.sealed for name, one in found.items()}) == value
    )

    anew = {name: one.sealed + b"!" for name, one in found.items()}
    changed = with_secrets(noun.entity, value, anew)
    assert {name: one.sealed for name, one in secrets_of(noun.entity, changed).items()} == anew
    assert bool(found) == bool(noun.entity.sealed)


def test_a_value_without_its_secret_has_none() -> None:
    for noun in SAMPLES:
        for name in noun.entity.sealed:
            if name == "sealed_key":
                assert secrets_of(noun.entity, noun.make()) == {}
