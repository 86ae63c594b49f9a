"""Templates escape everything: what others wrote goes through `foreign` or `visible`, and nothing is said to be safe.

The lint sees names alone: a field that an API object has for what others wrote must not be printed bare.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from chalicelib.web import rendering

WEB = Path(rendering.__file__).parent
TEMPLATES = sorted(WEB.rglob("*.html"))
# Where HTML is made by code: of what is escaped there, of numbers, and of constants.
MAKE_MARKUP = {"foreign.py", "rendering.py", "charts.py", "slots.py"}
FOREIGN = (
    "subject|from|to|cc|reply_to|mail_from|rcpt_to|recipient|output|details|user_agent|remote_host|filename|message_id"
    "|first_name|last_name|note|answer|found|url|body|sender|response|reason|suspension_reason"
)
_PRINTED = re.compile(r"{{(?!-?\s*[\w.]+\()(.*?)}}", re.DOTALL)
_BARE = re.compile(rf"\.(?:{FOREIGN})\b(?!\s*\()")
_LEADS = re.compile(r"""\b(?:href|src|action|hx-[a-z-]+)="[^"]*?{{([^}]*)}}""")
NAMES = [str(one.relative_to(WEB)) for one in TEMPLATES]


def without_tests(expression: str) -> str:
    """An expression without what only decides: `x if y.subject else z`."""
    return re.sub(r"\bif\b.*?\belse\b", " else ", expression)


def printed_bare(source: str) -> list[str]:
    """The expressions that print a field of others as it is."""
    return [
        one.strip()
        for one in _PRINTED.findall(source)
        if _BARE.search(without_tests(one))
        and not re.search(r"\|\s*(?:foreign|visible|state|status)\b", one)
    ]


@pytest.mark.parametrize("template", TEMPLATES, ids=NAMES)
def test_what_others_wrote_is_never_printed_bare(template: Path) -> None:
    source = template.read_text()
    assert printed_bare(source) == []
    leads = (one for one in _LEADS.findall(source) if "page.address(" not in one)  # which quotes
    assert [one for one in leads if _BARE.search(without_tests(one))] == []


@pytest.mark.parametrize("template", TEMPLATES, ids=NAMES)
def test_nothing_is_said_to_be_safe(template: Path) -> None:
    source = template.read_text()
    for word in (
        r"\|\s*safe\b",
        r"autoescape",
        r"\bMarkup\b",
        r"\bstyle=",
        r"\son[a-z]+=",
        r"hx-on",
        r"javascript:",
    ):
        assert not re.search(word, source), word
    assert "| drawing" not in source or template.name == "icons.html"


@pytest.mark.parametrize("template", TEMPLATES, ids=NAMES)
def test_every_form_that_changes_something_has_its_token(template: Path) -> None:
    for form in re.findall(r'<form[^>]*method="post".*?</form>', template.read_text(), re.DOTALL):
        assert "csrf_field(" in form, form[:200]


def test_the_lint_sees_a_bare_field() -> None:
    assert printed_bare("<p>{{ one.subject }}</p>") == ["one.subject"]
    assert (
        printed_bare("<p>{{ one.subject | foreign }} {{ 'x' if one.subject else 'y' }}</p>") == []
    )
    assert _LEADS.findall('<a href="{{ one.url }}">')


def test_code_makes_html_in_few_places() -> None:
    found = {
        file.name
        for file in WEB.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "markupsafe"
    }
    assert found <= MAKE_MARKUP
