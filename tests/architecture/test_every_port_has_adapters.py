"""The table of adapters is whole: every port, every family, every verb."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from chalicelib import ports
from chalicelib.adapters.families import FAMILIES, PORTS, adapter_of, place_of

# What a port hands out, and nobody asks the program for.
HANDED_OUT = {"egress.Conversation"}
FILES = sorted(Path(*ports.__path__).glob("[a-z]*.py"))


def port_at(place: str) -> type[Any]:
    module, _, name = place.partition(".")
    found: type[Any] = getattr(import_module(f"chalicelib.ports.{module}"), name)
    return found


def test_every_protocol_has_a_row_and_every_row_a_protocol() -> None:
    modules = [import_module(f"chalicelib.ports.{file.stem}") for file in FILES]
    protocols = {
        place_of(found)
        for module in modules
        for found in vars(module).values()
        if getattr(found, "_is_protocol", False) and found.__module__ == module.__name__
    }
    assert protocols - HANDED_OUT == PORTS.keys()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("place", PORTS)
def test_an_adapter_is_of_its_port_and_has_all_its_verbs(place: str, family: str) -> None:
    # That a verb's arguments and result fit is mypy's to say, since the class names its port as a base.
    port, adapter = port_at(place), adapter_of(place, family)
    assert port in adapter.__mro__
    verbs = [name for name in vars(port) if not name.startswith("_")]
    assert verbs
    assert [verb for verb in verbs if getattr(adapter, verb) is getattr(port, verb)] == []
