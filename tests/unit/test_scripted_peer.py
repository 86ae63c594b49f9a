"""The tests' own SMTP peer and name server, used from a synchronous test."""

from __future__ import annotations

import smtplib
import ssl

import pytest

from tests.dns_zone import DnsZone
from tests.peers import SmtpPeer, trusting_context


def test_the_peer_runs_in_a_thread_and_records_what_it_hears() -> None:
    with SmtpPeer().in_thread() as peer:
        peer.once("RCPT", "450 4.2.0 Later")
        with smtplib.SMTP(peer.host, peer.port, "client.test") as client:
            client.starttls(context=trusting_context())
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                client.sendmail("a@x.test", ["b@y.test"], b"Subject: 1\r\n\r\n.one\r\n")
            client.sendmail("a@x.test", ["b@y.test", "c@y.test"], b"Subject: 2\r\n\r\n.two\r\n")
        [mail] = peer.wait_for_mails(1)
        assert mail.content == b"Subject: 2\r\n\r\n.two\r\n"
        assert mail.rcpt_to == ["b@y.test", "c@y.test"]
        assert (mail.helo, mail.tls) == ("client.test", "TLSv1.3")
        assert peer.commands.count("MAIL") == 2


def test_the_peer_speaks_tls_from_the_first_byte() -> None:
    with SmtpPeer(implicit_tls=True).in_thread() as peer:
        context: ssl.SSLContext = trusting_context()
        with smtplib.SMTP_SSL("127.0.0.1", peer.port, "client.test", context=context) as client:
            assert client.noop()[0] == 250
        assert peer.connections[0].tls == "TLSv1.3"


def test_the_peer_says_which_mails_never_came() -> None:
    with SmtpPeer().in_thread() as peer, pytest.raises(AssertionError, match="1 mails"):
        peer.wait_for_mails(1, seconds=0.05)


def test_the_zone_counts_questions() -> None:
    import dns.resolver

    with DnsZone() as zone:
        zone.a("host.test", "192.0.2.1")
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], zone.port
        assert [one.address for one in resolver.resolve("host.test", "A")] == ["192.0.2.1"]
        zone.forget("host.test")
        with pytest.raises(dns.resolver.NXDOMAIN):
            resolver.resolve("host.test", "A")
        assert zone.asked("host.test", "A") == 2
