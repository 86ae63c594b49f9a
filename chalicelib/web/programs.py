"""Browsers in words, such as “Firefox on Windows”, by what they say of themselves; other programs as they say it.

It is for people who look for their own sessions: nothing hangs on it, as anybody may say anything.
"""

from __future__ import annotations

# In this order: what comes later also says that it is what stands before.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def program_words(said: str) -> str:
    """What a program that said this is called: all that it said, where no browser that people know says so."""
    browser = next((word for mark, word in _BROWSERS if mark in said), "")
    system = next((word for mark, word in _SYSTEMS if mark in said), "")
    if browser and said.startswith("Mozilla/"):
        return f"{browser} on {system}" if system else browser
    return said or "Unknown program"
