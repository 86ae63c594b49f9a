"""Nothing of ours imports itself in a circle, and the search for circles does find one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.circles import among_siblings, circles, imported

ROOT = Path(__file__).resolve().parents[2]


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circles(imported(ROOT)) == []


def test_no_sibling_packages_import_each_other_in_a_circle() -> None:
    assert circles(among_siblings(imported(ROOT))) == []


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A circle of three modules and two packages: by an import at the top, in a function and for types alone."""
    for file, source in {
        "chalicelib/domain/mail/a.py": "from chalicelib.domain.smtp import b\n",
        "chalicelib/domain/smtp/b.py": "def f():\n    import chalicelib.domain.smtp.c\n",
        "chalicelib/domain/smtp/c.py": "if TYPE_CHECKING:\n    from ..mail.a import A\n",
        "chalicelib/domain/smtp/d.py": "from chalicelib.domain.mail.a import A\n",
        "chalicelib/domain/model.py": "import chalicelib.domain.mail.a\n",
    }.items():
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return tmp_path


def test_a_circle_is_found(tree: Path) -> None:
    graph = imported(tree)
    assert circles(graph) == [
        ("chalicelib.domain.mail.a", "chalicelib.domain.smtp.b", "chalicelib.domain.smtp.c")
    ]
    assert circles(among_siblings(graph)) == [("chalicelib.domain.mail", "chalicelib.domain.smtp")]


def test_packages_may_be_in_a_circle_though_no_modules_are(tree: Path) -> None:
    (tree / "chalicelib/domain/smtp/c.py").write_text("")
    graph = imported(tree)
    assert circles(graph) == []
    assert circles(among_siblings(graph)) == [("chalicelib.domain.mail", "chalicelib.domain.smtp")]
