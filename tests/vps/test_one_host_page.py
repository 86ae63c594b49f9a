"""docs/one-host.md, followed on a bare Debian machine: each test is a section of the page, in its order.

Not as on a real server: packages come through the host's settings, Caddy is its own authority, and DNS is where
`posthorn init` says what to publish, word for word.
"""

from __future__ import annotations

import json
import re
import smtplib
import socket
import ssl
import time

import pytest

from chalicelib import VERSION
from tests.patience import PATIENCE
from tests.vps.load import HOSTNAME, Load
from tests.vps.machine import ADDRESS, SOURCES
from tests.vps.story import FIRST, Story

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("vps"), pytest.mark.timeout(1800)]

LATER = "99.0.0"
TEN_MINUTES = 600
CADDY = "/var/lib/caddy/.local/share/caddy"
STATUS = "runuser -u posthorn -- posthorn status --json"


def test_from_an_empty_server_to_the_first_message(story: Story) -> None:
    machine, world, start = story.machine, story.world, time.monotonic()
    story.play(FIRST, 1, fetches=True)
    story.printed = story.play(FIRST, 2)
    assert world.publish(story.printed) >= 12
    assert "Posthorn was set up before: nothing changed." in story.play(FIRST, 2)
    story.play(FIRST, 3)
    report = story.play(FIRST, 4)
    assert {line.split("  ")[0] for line in report.splitlines() if re.match("ok|w|f|n", line)} == {
        "ok",
        "warning",
        "not checked",
    }
    unseen = re.findall("^not checked +(.+?)  ", report, re.MULTILINE)
    assert unseen == ["https", "https", "https", "port 25 IPv6"]
    warned = re.findall("^warning +(.+?)  ", report, re.MULTILINE)
    assert warned == ["backups", "certificate", "postmaster"]
    story.play(FIRST, 8, POSTHORN_API_KEY=story.shown("API key"))
    (mail,) = world.peer.wait_for_mails(1)
    took = time.monotonic() - start
    assert world.signers(mail.content) == {"example.com"}
    assert mail.tls
    assert took < TEN_MINUTES
    print(f"first message after {took:.0f} s: {story.seconds}")
    shown = machine.run("systemctl show -p NRestarts posthorn.service")
    assert shown.strip() == "NRestarts=0"


def test_certificate_and_https(story: Story) -> None:
    machine = story.machine
    story.play(FIRST, 5, fetches=True)
    caddyfile = machine.path("/etc/caddy/Caddyfile")
    caddyfile.write_text(caddyfile.read_text().replace("{\n", "{\n\tlocal_certs\n", 1))
    story.play(FIRST, 6)
    made = f"{CADDY}/certificates/local/{HOSTNAME}/{HOSTNAME}.key"
    machine.run(f"until test -s {made}; do sleep 0.1; done")
    story.play(FIRST, 7)
    assert "active" in machine.run("systemctl is-active posthorn-certificate.timer")
    owners = machine.run("stat -c '%U %a' /etc/posthorn/certificate.pem /etc/posthorn/key.pem")
    assert owners.split("\n")[:2] == ["posthorn 644", "posthorn 600"]
    trusted = ssl.create_default_context(
        cadata=machine.run(f"cat {CADDY}/pki/authorities/local/root.crt")
    )
    with smtplib.SMTP(ADDRESS, 587, "client.test", timeout=PATIENCE) as client:
        client._host = HOSTNAME  # the name in the certificate
        client.starttls(context=trusted)
    with (
        socket.create_connection((ADDRESS, 443), PATIENCE) as plain,
        trusted.wrap_socket(plain, server_hostname=HOSTNAME) as secure,
    ):
        secure.sendall(f"GET /api/v2/emails HTTP/1.0\r\nHost: {HOSTNAME}\r\n\r\n".encode())
        assert b" 401 " in secure.recv(1024)
    machine.run(f"install -m 0644 {CADDY}/pki/authorities/local/root.crt /run/root.pem")
    doctor = "runuser -u posthorn -- posthorn doctor"
    report = machine.run(doctor, POSTHORN_CA_FILE="/run/root.pem")
    assert re.search(
        rf"^warning +https +{HOSTNAME}: Its certificate ends on ", report, re.MULTILINE
    )
    assert re.search(
        r"^(ok|warning) +certificate +/etc/posthorn/certificate.pem ", report, re.MULTILINE
    )


def test_upgrade_and_back_while_clients_send_without_pause(story: Story) -> None:
    machine = story.machine
    project = machine.path(SOURCES) / "pyproject.toml"
    project.write_text(
        project.read_text().replace(f'version = "{VERSION}"', f'version = "{LATER}"')
    )
    keys = (story.shown("SMTP user name"), story.shown("SMTP password"), story.shown("API key"))
    with Load(machine, *keys) as load:
        load.until_accepted(3)
        idle = smtplib.SMTP(ADDRESS, 587, "client.test", timeout=PATIENCE)
        story.play("Upgrade", 1, fetches=True)
        assert idle.getreply()[0] == 421
        idle.close()
        assert json.loads(machine.run(STATUS))["version"] == LATER
        load.until_accepted(3)
        story.play("Going back")
        assert json.loads(machine.run(STATUS))["version"] == VERSION
        load.until_accepted(3)
    assert load.faults == []
    wanted = set(load.accepted)
    story.until(lambda: wanted <= story.subjects().keys())
    got = story.subjects()
    assert {name: got[name] for name in wanted if got[name] != 1} == {}
    print(
        f"{len(wanted)} accepted, {load.turned_away} told 421 or hung up, longest {load.longest_wait:.1f} s"
    )


def test_backup_and_restore(story: Story) -> None:
    machine, peer = story.machine, story.world.peer
    peer.on("RCPT", lambda line: "450 4.2.1 Later" if b"later@" in line else None)
    story.send("later@example.net", "before the backup")
    story.until(lambda: any(b"later@" in b"".join(one.lines) for one in peer.connections))
    story.play("Backup and restore", 1)
    machine.run("cp /var/lib/posthorn/key key")
    machine.run("systemctl stop 'posthorn*'; mv /var/lib/posthorn /var/lib/lost")
    story.play("Backup and restore", 2)
    peer.usual("RCPT")
    held = machine.run("runuser -u posthorn -- posthorn message list --flag held --json")
    assert [one["subject"] for one in json.loads(held)["messages"]] == ["before the backup"]
    story.send("you@example.net", "after the restore")
    story.until(lambda: story.subjects()["after the restore"] == 1)


def test_backups_by_themselves(story: Story) -> None:
    machine = story.machine
    assert "proven" in story.play("Backups by themselves", 1)
    listed = machine.run("runuser -u posthorn -- posthorn backups list --json")
    assert [one["proven"] for one in json.loads(listed)] == [True]
    machine.run("systemctl start posthorn-backup.service")
    listed = machine.run("runuser -u posthorn -- posthorn backups list --json")
    assert len(json.loads(listed)) == 2
    assert "posthorn-backup.timer" in machine.run("systemctl list-timers --all")


def test_check(story: Story) -> None:
    assert "no faults" in story.play("Check")


def test_the_key_as_a_credential(story: Story) -> None:
    machine, section = story.machine, "The key as a credential"
    story.play(section, 1)
    machine.run("test ! -e /var/lib/posthorn/key")
    story.send("you@example.net", "opened by a credential")
    story.until(lambda: story.subjects()["opened by a credential"] == 1)
    assert "opened by a credential" in story.play(section, 2)
    machine.run("""
        install -m 0400 -o posthorn -g posthorn /etc/posthorn/key /var/lib/posthorn/key
        rm /etc/systemd/system/posthorn.service.d/key.conf
        systemctl daemon-reload && systemctl restart posthorn.service
    """)
    story.send("you@example.net", "opened by the file")
    story.until(lambda: story.subjects()["opened by the file"] == 1)


def test_disk_full(story: Story) -> None:
    machine = story.machine
    machine.run("""
        systemctl stop 'posthorn*'
        mkdir /small && mount -t tmpfs -o size=256m tmpfs /small && cp -a /var/lib/posthorn /small/
        mount --bind /small/posthorn /var/lib/posthorn
        systemctl start posthorn.service
        fallocate -l $(($(df --output=avail -B1 /small | tail -n 1) * 97 / 100)) /small/old.log
    """)
    story.until(lambda: story.is_refused(452))
    assert story.http_status() == 507
    assert "State folder  /var/lib/posthorn" in story.play("Disk full", 1)
    assert "failed" in machine.run("runuser -u posthorn -- posthorn doctor", fails=True)
    machine.run("mkdir /mnt/larger")
    story.play("Disk full", 2)
    assert json.loads(machine.run(STATUS))["state_folder"] == "/mnt/larger/posthorn"
    story.send("you@example.net", "on the larger disk")
    story.until(lambda: story.subjects()["on the larger disk"] == 1)


def test_everything_was_played_or_the_page_says_why_not(story: Story) -> None:
    assert story.page.left_out() == []
