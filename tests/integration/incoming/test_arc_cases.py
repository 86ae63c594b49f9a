"""ARC by our own cases from the rules of RFC 8617; a copy of another suite plays by the command of tests.arc_suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.arc_suite import Case, cases, fault

FILES = sorted((Path(__file__).parents[2] / "data" / "arc").glob("*.yml"))
CASES = list(cases(FILES))


@pytest.mark.parametrize(
    ("case", "document"),
    [pytest.param(case, document, id=name) for name, case, document in CASES],
)
def test_the_case_ends_as_the_rules_say(case: Case, document: Case) -> None:
    assert fault(case, document) == ""


def test_there_are_cases_of_both_kinds() -> None:
    assert len(FILES) == 2
    assert len(CASES) > 80
