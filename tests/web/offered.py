"""What a page offers besides its frame: the buttons of its forms."""

from __future__ import annotations

from tests.page_browser import Shown

FRAME = {"Sign out", "System", "Light", "Dark", ""}


def offered(shown: Shown) -> set[str]:
    """The words of the buttons that change or look up something."""
    return {words for form in shown.forms for words, _, _ in form.buttons} - FRAME
