"""The log has one declaration of its fields, for functions, gateway and one host: the code gives no other, and none
that is declared is given by nobody.
"""

from __future__ import annotations

from pathlib import Path

from chalicelib.domain.log_lines import FIELDS
from tests.architecture.logged_fields import logged_fields

ROOT = Path(__file__).resolve().parents[2]
# Given under names that are made at run time, or by what writes every line.
BY_THE_WRITERS = set("time unit level text request_id client door lost aws units bytes".split())
BY_TABLES = set("server_ids message_ids organization organization_id subject attempt".split())


def test_every_field_of_a_line_is_declared() -> None:
    assert {name: at for name, at in logged_fields(ROOT).items() if name not in FIELDS} == {}


def test_no_field_is_declared_that_nothing_gives() -> None:
    assert set(FIELDS) - set(logged_fields(ROOT)) <= BY_THE_WRITERS | BY_TABLES


def test_fields_are_found_wherever_they_are_given(tmp_path: Path) -> None:
    example = """
class Away(TemporaryFailure): pass
class TemporaryFailure(MailError): pass

def work(notes, request):
    notes["one"] = 1
    request.notes.update(two=2)
    notes |= {"three": 3}
    LOG.info("x", extra={"fields": {"four": 4}})
    fields = {"five": 5} | more
    LOG.info("x", extra={"fields": fields})
    raise Away("y", six=6, reply=None)

def log_fields(message):
    return {"seven": 7}

class Site:
    def tell(self):
        self.journal.event("started", eight=8)
        others["nine"] = 9
"""
    (tmp_path / "functions").mkdir()
    (tmp_path / "functions" / "example.py").write_text(example)
    assert list(logged_fields(tmp_path)) and set(logged_fields(tmp_path)) == {
        *("one", "two", "three", "four", "five", "six", "seven", "eight")
    }
