"""Who receives for a domain, by the host that its MX prefers."""

from __future__ import annotations

import pytest

from chalicelib.domain.outgoing.provider import _KNOWN, provider_of


@pytest.mark.parametrize(
    ("host", "provider"),
    [
        ("gmail-smtp-in.l.google.com", "google"),
        ("ASPMX.L.GOOGLE.COM.", "google"),
        ("acme-com.mail.protection.outlook.com", "microsoft"),
        ("outlook-com.olc.protection.outlook.com", "microsoft"),
        ("acme-com.a-v1.mx.microsoft", "microsoft"),
        ("mta5.am0.yahoodns.net", "yahoo"),
        ("mx01.mail.icloud.com", "apple"),
        ("mx.acme.example", "acme.example"),
        ("acme.example", "acme.example"),
        ("mx1.mail.acme.co.uk", "acme.co.uk"),
        ("acme.co.uk", "acme.co.uk"),
        ("co.uk", "co.uk"),
        ("mx.acme.com.br", "acme.com.br"),
        ("mx.com.de.example", "de.example"),
        # No end of a name that is not one of its labels.
        ("mx.notgoogle.com", "notgoogle.com"),
        ("google.com.evil.example", "evil.example"),
        ("localhost", None),
        ("", None),
        (".", None),
        ("192.0.2.1", None),
        ("[192.0.2.1]", None),
        ("2001:db8::1", None),
        ("[IPv6:2001:db8::1]", None),
    ],
)
def test_provider(host: str, provider: str | None) -> None:
    assert provider_of(host) == provider


def test_the_table_is_lower_case_and_no_end_is_in_another() -> None:
    for end in _KNOWN:
        assert end == end.lower()
        assert not any(end != other and end.endswith(f".{other}") for other in _KNOWN)


def test_a_hostile_name_takes_no_time_and_gives_a_short_group() -> None:
    found = provider_of(".".join("a" * 63 for _ in range(4_000)))
    assert found is not None
    assert len(found) <= 100
