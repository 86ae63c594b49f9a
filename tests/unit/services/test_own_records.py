"""What a host publishes for itself."""

from __future__ import annotations

from chalicelib.config import Settings
from chalicelib.services.own_records import PUBLIC_ADDRESS, own_records

HOST = Settings(smtp_hostname="mail.acme.test", web_hostname="mail.acme.test")


def addresses_of(settings: Settings, *addresses: str) -> list[tuple[str, str, str]]:
    found = own_records(settings, addresses, None)
    return [(one.kind, one.name, one.value) for one in found if one.kind in {"A", "AAAA"}]


def test_a_host_that_takes_mail_under_another_name_publishes_that_too() -> None:
    apart = Settings(smtp_hostname="mail.acme.test", mx_hosts="mail.acme.test,mx.acme.test")
    assert addresses_of(apart, "192.0.2.1", "2001:db8::1") == [
        ("A", "mail.acme.test", "192.0.2.1"),
        ("AAAA", "mail.acme.test", "2001:db8::1"),
        ("A", "mx.acme.test", "192.0.2.1"),
        ("AAAA", "mx.acme.test", "2001:db8::1"),
    ]
    assert addresses_of(apart)[-1] == ("A", "mx.acme.test", PUBLIC_ADDRESS)


def test_a_host_whose_own_name_is_its_mx_publishes_no_more() -> None:
    for settings in (Settings(smtp_hostname="Mail.acme.test", mx_hosts="mail.acme.test"), HOST):
        assert len(addresses_of(settings, "192.0.2.1")) == 1
