"""Each check of `posthorn doctor` really fails here once, and then says why, and what to do, and ends with 1."""

from __future__ import annotations

import os
import re
import resource
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from tempfile import mkdtemp
from threading import Thread
from types import SimpleNamespace

import apsw
import pytest

from chalicelib.adapters.sqlite import database, file_system, folder
from gateway.tls import make_pair
from onehost.doctor import disk, examination, listening, ports, sources, state, world
from onehost.doctor.examination import CHECKS, SETTINGS
from tests.certificates import Authority, Pair, PairFiles
from tests.integration.onehost.conftest import Outcome, Run
from tests.integration.onehost.sound_host import ADDRESS, NAME, SoundHost, sound_host
from tests.loopback import free_port
from tests.peers import STALL

Patch = pytest.MonkeyPatch
EXT4 = 0xEF53
SECOND = "127.0.0.2"  # loopback has more addresses than one


@pytest.fixture
def host(tmp_path: Path, posthorn: Run, monkeypatch: Patch) -> Iterator[SoundHost]:
    monkeypatch.setattr(file_system, "kind_of", lambda path: EXT4)  # wherever the tests keep theirs
    monkeypatch.setattr(disk, "SLOW_SECONDS", 60.0)  # the disk of a busy machine
    with sound_host(tmp_path, posthorn) as found:
        yield found


def found(outcome: Outcome, check: str) -> list[tuple[str, str, str]]:
    """Result, text and next step of each finding of a check."""
    (one,) = (each for each in outcome.json["checks"] if each["check"] == check)
    return [(each["result"], each["text"], each["next_step"] or "") for each in one["findings"]]


def fails(host: SoundHost, check: str, cause: str, step: str) -> None:
    """The check fails with this cause and this step, in JSON and for people, and the exit code is 1."""
    outcome = host.doctor("--json")
    assert outcome.code == 1
    assert outcome.json["ok"] is False
    results = [each for each in found(outcome, check) if each[0] == "failed"]
    assert any(cause in text and step in next_step for _, text, next_step in results), results
    text = host.doctor()
    assert text.code == 1
    assert cause in text.out
    assert step in text.out
    assert f"failed       {check}" in text.out


def results(outcome: Outcome, check: str) -> set[str]:
    return {result for result, *_ in found(outcome, check)}


def test_all_is_well(host: SoundHost) -> None:
    folder = host.folder / "backups"
    folder.mkdir(mode=0o700)
    host.settings["backup_folder"] = str(folder)
    host.write()
    assert host.run("backups", "run", "--config", str(host.file)).code == 0
    outcome = host.doctor("--json")
    assert outcome.code == 0, outcome.out
    assert [each["check"] for each in outcome.json["checks"]] == [
        SETTINGS,
        *(check.name for check in CHECKS),
    ]
    # How quick the disk is nobody knows, and not everybody has IPv6.
    # Nobody stands in front here.
    names = {check.name for check in CHECKS} - {"fsync", "port 25 IPv6", "https"}
    assert {name: results(outcome, name) for name in names} == {name: {"ok"} for name in names}
    assert all(each["about"] for each in outcome.json["checks"])


def test_it_changes_nothing(host: SoundHost) -> None:
    before = {path: path.stat().st_mtime_ns for path in host.state.rglob("*") if path.is_file()}
    assert host.doctor().code == 0
    after = {path: path.stat().st_mtime_ns for path in host.state.rglob("*") if path.is_file()}
    ours = {"-wal", "-shm"}  # a reader of the log makes its index
    changed = {path.name for path in after if before.get(path) != after[path]}
    assert {name for name in changed if name[-4:] not in ours} == set()


def test_settings_that_cannot_be_read(host: SoundHost) -> None:
    host.settings["mx_prt"] = 25
    fails(host, SETTINGS, "did you mean 'mx_port'?", "Correct it")
    outcome = host.doctor("--json")
    assert all(results(outcome, check.name) == {"not checked"} for check in CHECKS)


@pytest.mark.parametrize(
    ("name", "value"), [("hold_days", 0), ("mx_port", 70_000), ("http_port", -2)]
)
def test_settings_without_sense(host: SoundHost, name: str, value: int) -> None:
    host.settings[name] = value
    fails(host, SETTINGS, f"POSTHORN_{name.upper()} must be from", "Correct it")


def test_networks_of_proxies_that_are_none(host: SoundHost) -> None:
    host.settings["http_proxy_networks"] = "caddy"
    fails(host, SETTINGS, "'caddy' is not a network", "Correct it")


@pytest.mark.parametrize(
    ("marker", "sentence"),
    [
        ("moving", "is being moved to AWS"),
        ("moved", "was moved away"),
        ("restoring", "has not come to its end"),
    ],
)
def test_a_folder_that_nothing_may_serve(host: SoundHost, marker: str, sentence: str) -> None:
    (host.state / marker).mkdir(mode=0o700)
    fails(host, "state folder", sentence, "Go on with it")


@pytest.mark.parametrize(
    ("version", "sentence"),
    [
        (9, "mail.db was written by a newer release"),
        (0, "mail.db was written by no release: it has tables, but no schema"),
    ],
)
def test_a_database_of_no_known_release(host: SoundHost, version: int, sentence: str) -> None:
    db = apsw.Connection(str(host.state / "mail.db"))
    db.execute(f"PRAGMA user_version={version}").fetchall()
    db.close()
    fails(host, "versions", sentence, "Install the release")


def test_a_database_that_is_none(host: SoundHost) -> None:
    for path in host.state.glob("mail.db*"):
        path.unlink()
    (host.state / "mail.db").write_bytes(b"letters" * 1_000)
    fails(host, "versions", "mail.db cannot be read", "posthorn restore")


def test_searches_that_have_no_index(host: SoundHost) -> None:
    for path in host.state.glob("search.db*"):
        path.unlink()
    ((result, text, _),) = found(host.doctor("--json"), "searches")
    assert (result, text) == (
        "ok",
        "There is no search.db; it is made anew when `posthorn serve` starts",
    )
    path = host.state / "search.db"
    path.write_bytes(b"letters" * 1_000)
    path.chmod(0o600)
    outcome = host.doctor("--json")
    ((result, text, step),) = found(outcome, "searches")
    assert result == "warning"
    assert "search.db is damaged" in text
    assert "Restart `posthorn serve`" in step
    assert outcome.code == 0, "mail does not need it"


def test_an_sqlite_that_is_too_old(host: SoundHost, monkeypatch: Patch) -> None:
    monkeypatch.setattr(database.apsw, "SQLITE_VERSION_NUMBER", 3_040_001)
    fails(host, "versions", "may lose commits", "Install the apsw")


def test_a_python_that_is_too_old(host: SoundHost, monkeypatch: Patch) -> None:
    monkeypatch.setattr(state, "sys", SimpleNamespace(version_info=(3, 9, 2)))
    fails(host, "versions", "Python 3.9.2 is too old", "Install Python")


def test_nobody_reads_notices(host: SoundHost) -> None:
    del host.settings["system_server"], host.settings["system_from"]
    assert results(host.doctor("--json"), "postmaster") == {"warning"}
    del host.settings["postmaster"]
    outcome = host.doctor("--json")
    assert (outcome.code, results(outcome, "postmaster")) == (0, {"warning"})


def test_no_state_folder(host: SoundHost) -> None:
    shutil.rmtree(host.state)
    fails(host, "state folder", "There is no state folder", "posthorn init")
    outcome = host.doctor("--json")
    for check in ("key", "space", "fsync"):
        assert results(outcome, check) == {"not checked"}
    assert not host.state.exists()


def test_a_state_folder_that_others_may_look_into(host: SoundHost) -> None:
    host.state.chmod(0o755)
    fails(host, "state folder", "Others may look into the state folder", f"chmod 700 {host.state}")


def test_files_that_others_could_read(host: SoundHost) -> None:
    (host.state / "mail.db").chmod(0o644)
    outcome = host.doctor("--json")
    assert outcome.code == 0
    assert results(outcome, "state folder") == {"warning"}


def test_a_state_folder_of_somebody_else(host: SoundHost, monkeypatch: Patch) -> None:
    monkeypatch.setattr(folder.os, "geteuid", lambda: os.getuid() + 1)
    fails(host, "state folder", "belongs to the user", "Run it as that user")


@pytest.mark.parametrize(("kind", "name"), [(0x6969, "NFS"), (0xFE534D42, "SMB")])
def test_a_network_file_system(host: SoundHost, monkeypatch: Patch, kind: int, name: str) -> None:
    monkeypatch.setattr(file_system, "kind_of", lambda path: kind)
    fails(host, "state folder", f"network file system ({name})", "a disk of this machine")


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="there is no /dev/shm")
def test_a_file_system_in_memory(host: SoundHost, monkeypatch: Patch) -> None:
    monkeypatch.undo()
    place = Path(mkdtemp(dir="/dev/shm", prefix="posthorn-doctor-"))
    try:
        host.settings["state_folder"] = str(place)
        fails(host, "state folder", "lies in memory (tmpfs)", "Move it to a disk")
    finally:
        shutil.rmtree(place)


def test_a_file_system_that_may_not_keep_locks(host: SoundHost, monkeypatch: Patch) -> None:
    monkeypatch.setattr(file_system, "kind_of", lambda path: 0x65735546)
    outcome = host.doctor("--json")
    assert (outcome.code, results(outcome, "state folder")) == (0, {"warning"})


def test_the_key_of_another_folder(host: SoundHost) -> None:
    (host.state / "key").unlink()
    (host.state / "key").write_text("12" * 32)
    (host.state / "key").chmod(0o400)
    fails(host, "key", "is not the key file of this state folder", "Put the right key back")


def test_a_key_that_is_missing(host: SoundHost) -> None:
    (host.state / "key").unlink()
    fails(host, "key", "is missing", "Put the right key back")
    assert not (host.state / "key").exists()


def test_a_disk_that_is_nearly_full(host: SoundHost, monkeypatch: Patch) -> None:
    full = SimpleNamespace(f_bavail=100, f_blocks=10_000, f_frsize=1 << 20)
    monkeypatch.setattr(file_system.os, "statvfs", lambda path: full)
    fails(host, "space", "0.1 of 9.8 GiB are free", "Keep 0.5 GiB free")


def test_a_disk_that_takes_nothing(host: SoundHost) -> None:
    def no_file_may_grow() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    outcome = host.doctor_in_a_process(no_file_may_grow)
    assert outcome.code == 1, outcome.err
    assert "Nothing can be written durably" in outcome.out
    assert "File too large" in outcome.out
    assert "Look at the disk" in outcome.out


def test_a_slow_disk(host: SoundHost, monkeypatch: Patch) -> None:
    monkeypatch.setattr(disk, "SLOW_SECONDS", 0.05)
    monkeypatch.setattr(disk.os, "fdatasync", lambda descriptor: time.sleep(0.06))
    fails(host, "fsync", "the disk is too slow", "Put the state folder on another disk")


def test_a_disk_that_may_lie(host: SoundHost, monkeypatch: Patch) -> None:
    monkeypatch.setattr(disk.os, "fdatasync", lambda descriptor: None)
    outcome = host.doctor("--json")
    ((result, text, step),) = found(outcome, "fsync")
    assert (outcome.code, result) == (0, "warning")
    assert "without having written" in text
    assert "hdparm -W0" in step


def test_too_few_open_files(host: SoundHost) -> None:
    def only_five_hundred() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (500, 500))

    outcome = host.doctor_in_a_process(only_five_hundred)
    assert outcome.code == 1, outcome.err
    assert "500 files open (the limit of this shell); 1656 are needed" in outcome.out
    assert "LimitNOFILE=65536" in outcome.out


def test_a_port_that_another_program_has(host: SoundHost) -> None:
    with socket.create_server(("127.0.0.1", host.settings["mx_port"])):
        fails(host, "ports", "is taken by another program", "ss -ltnp")


def test_an_address_that_is_not_of_this_machine(host: SoundHost) -> None:
    host.settings["http_bind"] = "192.0.2.77"
    fails(host, "ports", "cannot be opened: Cannot assign requested address", "http_bind")


def test_a_port_for_which_rights_are_missing(host: SoundHost, monkeypatch: Patch) -> None:
    def refused(address: str, port: int, what: str) -> socket.socket:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(ports, "listen", refused)
    monkeypatch.setattr(ports, "_systemctl", lambda question, unit: False)
    fails(host, "ports", "may not be opened by this user", "CAP_NET_BIND_SERVICE")
    monkeypatch.setattr(ports, "_systemctl", lambda question, unit: question == "is-enabled")
    assert results(host.doctor("--json"), "ports") == {"warning"}
    monkeypatch.setattr(ports, "_systemctl", lambda question, unit: question == "is-active")
    assert results(host.doctor("--json"), "ports") == {"ok"}
    with host.served():  # whether it is taken cannot be told by binding
        fails(host, "ports", "The server runs, but nobody listens on mx", "restart it")
    monkeypatch.setattr(ports, "_systemctl", lambda question, unit: False)
    with socket.create_server(("127.0.0.1", host.settings["mx_port"])):
        fails(host, "ports", "is taken by another program", "ss -ltnp")


def test_ports_that_are_ours(host: SoundHost) -> None:
    names = ("mx_port", "submission_port", "http_port")
    listeners = [socket.create_server(("127.0.0.1", host.settings[name])) for name in names]
    with host.served():
        outcome = host.doctor("--json")
        assert results(outcome, "ports") == {"ok"}
        assert "is ours" in outcome.out
        assert "of the server" in outcome.out
        listeners[0].close()
        fails(host, "ports", "The server runs, but nobody listens on mx", "restart it")
    for listener in listeners:
        listener.close()


def test_a_certificate_for_another_name(host: SoundHost) -> None:
    host.settings["smtp_hostname"] = "other.acme.test"
    fails(host, "certificate", f"is for {NAME}, and not for other", "Get one for")


@pytest.mark.parametrize(
    ("made_days_ago", "cause", "step"),
    [(100, "ended on", "Renew it"), (-10, "is not valid yet, but from 2", "clock")],
)
def test_a_certificate_at_the_wrong_time(
    host: SoundHost, made_days_ago: int, cause: str, step: str
) -> None:
    renew(host, made_days_ago)
    fails(host, "certificate", cause, step)


def test_a_certificate_that_ends_soon(host: SoundHost) -> None:
    renew(host, 81)
    outcome = host.doctor("--json")
    ((result, text, step),) = found(outcome, "certificate")
    assert (outcome.code, result) == (0, "warning")
    assert re.search(r"ends on \d{4}-\d\d-\d\d, in 9 days", text)
    assert "certbot renew" in step
    renew(host, 75)
    assert results(host.doctor("--json"), "certificate") == {"ok"}


def renew(host: SoundHost, made_days_ago: int) -> None:
    made_at = time.time() - made_days_ago * 86_400
    PairFiles(host.folder).replace(Authority().pair(NAME, made_at=made_at))


def test_a_certificate_that_nobody_vouches_for(host: SoundHost) -> None:
    PairFiles(host.folder).replace(Pair(*make_pair(NAME, time.time())))
    outcome = host.doctor("--json")
    ((result, text, step),) = found(outcome, "certificate")
    assert (outcome.code, result) == (0, "warning")
    assert "is self-signed" in text
    assert step == f"Get one for {NAME} from an authority"


def test_a_certificate_and_a_key_that_do_not_belong_together(host: SoundHost) -> None:
    _, key = make_pair(NAME, time.time())
    (host.folder / "key.pem").write_bytes(key)
    fails(host, "certificate", "cannot be used: key values mismatch", "belong together")


def test_a_certificate_that_is_not_there(host: SoundHost) -> None:
    (host.folder / "certificate.pem").unlink()
    fails(host, "certificate", "cannot be used: No such file", "that this user may read")
    del host.settings["tls_certificate"], host.settings["tls_key"]
    assert results(host.doctor("--json"), "certificate") == {"warning"}


@pytest.mark.parametrize(
    ("spoil", "cause", "step"),
    [
        (lambda zone: zone.forget(NAME), f"{NAME} has no address", f"Publish A {NAME} {ADDRESS}"),
        (lambda zone: zone.a(NAME, "192.0.2.1"), "leads to 192.0.2.1, and not to", "Publish A"),
        (lambda zone: zone.forget(f"web.{NAME}"), "has no address (the API)", "Publish CNAME web"),
        (lambda zone: zone.forget(f"rp.{NAME}"), "has no MX", f"10 {NAME}"),
        (
            lambda zone: zone.mx(f"rp.{NAME}", (5, "else.test")),
            "has the MX else.test",
            "Publish MX",
        ),
        (lambda zone: zone.forget(f"spf.{NAME}"), "has no SPF record", f"v=spf1 a:{NAME} -all"),
        (lambda zone: zone.txt(f"spf.{NAME}", "v=spf1 -all"), f"lacks a:{NAME}", "Publish TXT"),
        (
            lambda zone: zone.txt(f"spf.{NAME}", "v=spf1 a", "v=spf1 mx"),
            "has 2 SPF records",
            "Publish",
        ),
        (
            lambda zone: zone.txt(f"rp.{NAME}", "v=spf1 mx -all"),
            "lacks include:spf",
            "Publish TXT",
        ),
        (
            lambda zone: zone.txt(f"posthorn._domainkey.rp.{NAME}", "v=DKIM1; p=AAAA"),
            "has another text",
            "v=DKIM1; t=s",
        ),
    ],
)
def test_records_that_are_wrong(
    host: SoundHost, spoil: Callable[[object], None], cause: str, step: str
) -> None:
    spoil(host.zone)
    fails(host, "dns", cause, step)


def test_the_address_is_as_good_as_the_name_in_spf(host: SoundHost) -> None:
    host.zone.txt(f"spf.{NAME}", f"v=spf1 ip4:{ADDRESS} -all")
    assert results(host.doctor("--json"), "dns") == {"ok"}


def test_without_tracking_mail_goes_as_well(host: SoundHost) -> None:
    host.zone.forget(f"track.{NAME}")
    outcome = host.doctor("--json")
    assert (outcome.code, results(outcome, "dns")) == (0, {"ok", "warning"})


@pytest.mark.parametrize("name", ["smtp_hostname", "return_path_domain", "spf_include"])
def test_the_example_names(host: SoundHost, name: str) -> None:
    del host.settings[name]
    fails(host, "dns", f"{name} is ", "Set it to a name of your own")


def test_name_servers_that_do_not_answer(host: SoundHost) -> None:
    for name in (NAME, "world.test"):
        host.zone.fail(name, "SERVFAIL")
    outcome = host.doctor("--json")
    assert "not checked" in results(outcome, "dns")
    assert results(outcome, "reverse name") == results(outcome, "port 25") == {"not checked"}
    assert "do not answer" in found(outcome, "reverse name")[0][1]


def test_a_reverse_name_that_dns_does_not_tell_is_no_fault(host: SoundHost) -> None:
    source(host, "--address", SECOND)
    for name in ("9.2.0.192.in-addr.arpa", "2.0.0.127.in-addr.arpa"):
        host.zone.fail(name, "SERVFAIL")
    outcome = host.doctor("--json")
    assert results(outcome, "reverse name") == results(outcome, "sources") == {"not checked"}
    assert ADDRESS in found(outcome, "reverse name")[0][1]


@pytest.mark.parametrize(
    ("spoil", "cause", "step"),
    [
        (
            lambda zone: zone.ptr(ADDRESS, "host-9.isp.test"),
            "is host-9.isp.test, and not",
            "Ask who",
        ),
        (
            lambda zone: zone.forget("9.2.0.192.in-addr.arpa"),
            f"{ADDRESS} has no reverse name",
            f"set its reverse name to {NAME}",
        ),
        (lambda zone: zone.a(NAME, "192.0.2.1"), "which leads to 192.0.2.1", f"Publish A {NAME}"),
    ],
)
def test_reverse_names_that_are_wrong(
    host: SoundHost, spoil: Callable[[object], None], cause: str, step: str
) -> None:
    spoil(host.zone)
    fails(host, "reverse name", cause, step)


def test_behind_a_router_without_a_published_address(host: SoundHost, monkeypatch: Patch) -> None:
    del host.arguments["--address"]
    host.zone.forget(NAME)
    outcome = host.doctor("--json")
    assert results(outcome, "reverse name") == {"not checked"}
    assert "--address" in outcome.out


def test_port_25_is_closed(host: SoundHost) -> None:
    host.arguments["--mx"] = f"127.0.0.1:{free_port()}"
    fails(host, "port 25", "cannot be reached", "Ask your provider to open outgoing port 25")


def test_port_25_swallows_everything(host: SoundHost, monkeypatch: Patch) -> None:
    monkeypatch.setattr(world, "PATIENCE", 0.3)
    host.peer.on("GREETING", STALL)
    fails(host, "port 25", "mx.world.test (127.0.0.1)", "Ask your provider")


def test_a_mail_server_that_turns_us_away(host: SoundHost) -> None:
    host.peer.on("GREETING", "554 5.7.1 You are on a list")
    fails(host, "port 25", "turns us away: 554 5.7.1 You are on a list", "block list")


def test_mail_servers_are_reached_by_both_kinds_of_address(host: SoundHost) -> None:
    host.zone.aaaa("mx.world.test", "::1")
    with Ipv6Greeting(host.settings["delivery_port"]):
        outcome = host.doctor("--json")
        assert results(outcome, "port 25") == results(outcome, "port 25 IPv6") == {"ok"}
    # Where nobody listens by IPv6, mail goes out by IPv4 as before.
    fails(host, "port 25 IPv6", "mx.world.test (::1) port", "open outgoing port 25 for IPv6 too")
    assert results(host.doctor("--json"), "port 25") == {"ok"}
    host.arguments["--mx"] = f"[::1]:{free_port()}"
    assert results(host.doctor("--json"), "port 25") == {"not checked"}


class Ipv6Greeting:
    """A mail server on ::1 that greets; the test is skipped where there is no IPv6."""

    def __init__(self, port: int) -> None:
        try:
            self._socket = socket.create_server(("::1", port), family=socket.AF_INET6)
        except OSError:
            pytest.skip("there is no IPv6")

    def __enter__(self) -> None:
        Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        client, _ = self._socket.accept()
        client.sendall(b"220 mx.world.test\r\n")
        client.recv(512)
        client.close()

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def test_a_host_without_ipv6(host: SoundHost, monkeypatch: Patch) -> None:
    ((result, text, _),) = found(host.doctor("--json"), "port 25 IPv6")
    assert (result, "mx.world.test has no IPv6 address" in text) == ("not checked", True)
    host.zone.aaaa("mx.world.test", "2001:db8::25")
    monkeypatch.setattr(world, "outgoing_addresses", lambda: ("192.0.2.9",))
    outcome = host.doctor("--json")
    ((result, text, _),) = found(outcome, "port 25 IPv6")
    assert (outcome.code, result, text) == (0, "not checked", "this host has no way out by IPv6")


def source(host: SoundHost, *options: str) -> None:
    """A way out with an address of its own."""
    added = host.run(
        "--config", str(host.file), "source", "add", "second", "--kind", "direct", *options
    )
    assert added.code == 0, added.err


def test_a_source_with_an_address_of_another_machine(host: SoundHost) -> None:
    source(host, "--address", "192.0.2.77")
    cause = "Source second sends from 192.0.2.77, which this host cannot: Cannot assign requested"
    fails(host, "sources", cause, "posthorn source set second")


@pytest.mark.parametrize(
    ("spoil", "cause", "step"),
    [
        (lambda zone: None, f"{SECOND} has no reverse name", "Ask who gave you the address"),
        (lambda zone: zone.ptr(SECOND, "isp.test"), "is isp.test, and not out", "out.acme.test"),
        (
            lambda zone: zone.ptr(SECOND, "out.acme.test"),
            "is out.acme.test, which leads to nothing",
            f"Publish A out.acme.test {SECOND}",
        ),
    ],
)
def test_a_source_whose_reverse_name_is_wrong(
    host: SoundHost, spoil: Callable[[object], None], cause: str, step: str
) -> None:
    source(host, "--address", SECOND, "--ehlo", "out.acme.test")
    spoil(host.zone)
    fails(host, "sources", cause, step)


def test_a_source_that_is_sound(host: SoundHost) -> None:
    source(host, "--address", SECOND)
    host.zone.ptr(SECOND, NAME)
    host.zone.a(NAME, ADDRESS, SECOND)
    outcome = host.doctor("--json")
    assert found(outcome, "sources") == [("ok", f"{SECOND} is {NAME}, and back", "")]


def test_sources_of_which_nothing_is_known(host: SoundHost, monkeypatch: Patch) -> None:
    source(host, "--address", SECOND, "--ehlo", "out.acme.test")
    host.zone.fail("out.acme.test", "SERVFAIL")
    assert results(host.doctor("--json"), "sources") == {"not checked"}
    change = ("--config", str(host.file), "source")
    assert host.run(*change, "set", "second", "--address", "10.9.8.7").code == 0
    monkeypatch.setattr(sources, "_cannot_bind", lambda address: "")
    assert "behind a router" in found(host.doctor("--json"), "sources")[0][1]
    assert host.run(*change, "suspend", "second").code == 0
    assert "is suspended" in found(host.doctor("--json"), "sources")[0][1]


@pytest.mark.parametrize(("ahead", "cause"), [(60, "60 s behind"), (-3_600, "3600 s ahead")])
def test_a_clock_that_is_wrong(host: SoundHost, ahead: float, cause: str) -> None:
    host.clock.ahead = ahead
    fails(host, "clock", cause, "timedatectl set-ntp true")


def test_a_clock_that_nobody_tells(host: SoundHost, monkeypatch: Patch) -> None:
    monkeypatch.setattr(world, "PATIENCE", 0.3)
    host.clock.answers = False
    outcome = host.doctor("--json")
    assert (outcome.code, results(outcome, "clock")) == (0, {"not checked"})
    assert "does not tell the time" in outcome.out
    host.arguments["--time-from"] = "nobody.test"
    assert results(host.doctor("--json"), "clock") == {"not checked"}


class DateAnswer(BaseHTTPRequestHandler):
    """Answers HEAD with a Date of long ago."""

    def do_HEAD(self) -> None:  # found by its name
        self.send_response(204)
        self.end_headers()

    def date_time_string(self, timestamp: float | None = None) -> str:
        return "Sun, 06 Nov 1994 08:49:37 GMT"

    def log_message(self, *_: object) -> None:
        pass


def test_the_clock_of_a_web_server(host: SoundHost) -> None:
    with HTTPServer(("127.0.0.1", 0), DateAnswer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        host.arguments["--time-from"] = f"http://127.0.0.1:{server.server_port}/"
        fails(host, "clock", "s ahead that of http://127.0.0.1", "timedatectl")
        server.shutdown()


def test_a_check_that_breaks_is_not_ok(host: SoundHost, monkeypatch: Patch) -> None:
    async def broken(_host: object) -> list[object]:
        raise ZeroDivisionError("by zero")

    checks = (examination.Check("clock", "it", broken), *CHECKS[:-1])  # type: ignore[arg-type]
    monkeypatch.setattr(examination, "CHECKS", checks)
    outcome = host.doctor("--json")
    assert found(outcome, "clock") == [
        ("not checked", "the check broke (ZeroDivisionError: by zero)", "")
    ]


@pytest.mark.parametrize("option", [("--address", "nowhere"), ("--what", "x")])
def test_wrong_usage(posthorn: Run, option: tuple[str, str]) -> None:
    assert posthorn("doctor", *option).code == 2


SIX = "2001:db8::9"


def dual(host: SoundHost) -> None:
    """The host has an IPv6 address too, published under its name; its reverse name is missing."""
    host.arguments["--address"] = ADDRESS
    host.zone.aaaa(NAME, SIX)


def both_addresses(host: SoundHost) -> Outcome:
    return host.doctor("--address", SIX, "--json")


def test_a_family_without_a_reverse_name_is_not_used(host: SoundHost) -> None:
    dual(host)
    outcome = both_addresses(host)
    ((result, text, step),) = found(outcome, "families")
    assert (result, text) == (
        "warning",
        f"Source default sends by IPv4 alone: {SIX} has no reverse name",
    )
    assert f"set its reverse name to {NAME}" in step
    # Mail goes on by IPv4, and nothing failed.
    assert results(outcome, "reverse name") == {"ok", "warning"}
    assert outcome.code == 0
    host.zone.ptr(SIX, NAME)
    outcome = both_addresses(host)
    assert found(outcome, "families") == [("ok", "Source default sends by IPv4 and IPv6", "")]
    assert results(outcome, "reverse name") == {"ok"}


def test_without_a_name_for_ipv4_it_fails(host: SoundHost) -> None:
    dual(host)
    host.zone.ptr(SIX, NAME)
    host.zone.ptr(ADDRESS, "isp.test")
    outcome = both_addresses(host)
    ((result, text, _),) = found(outcome, "families")
    assert (outcome.code, result) == (1, "failed")
    assert text == (
        "Source default sends by IPv6 alone, and who has only IPv4 waits: isp.test, the reverse"
        f" name of {ADDRESS}, does not lead back to it"
    )


def test_when_no_family_is_good_both_are_used_and_it_fails(host: SoundHost) -> None:
    dual(host)
    host.zone.forget("9.2.0.192.in-addr.arpa")
    outcome = both_addresses(host)
    ((result, text, _),) = found(outcome, "families")
    assert (outcome.code, result) == (1, "failed")
    assert "sends by IPv4 and IPv6 all the same, and receivers turn it away" in text
    assert results(outcome, "reverse name") == {"failed"}


def test_reverse_names_that_are_ignored(host: SoundHost) -> None:
    dual(host)
    host.settings["reverse_names"] = "ignore"
    outcome = both_addresses(host)
    ((result, text, _),) = found(outcome, "families")
    assert (result, "sends by IPv4 and IPv6 all the same" in text) == ("warning", True)
    host.settings["reverse_names"] = "perhaps"
    fails(host, SETTINGS, "POSTHORN_REVERSE_NAMES must be require or ignore", "Correct it")


def test_reverse_names_that_nobody_tells(host: SoundHost) -> None:
    dual(host)
    host.zone.fail("9.2.0.192.in-addr.arpa", "SERVFAIL")
    host.zone.ptr(SIX, NAME)
    ((result, text, _),) = found(both_addresses(host), "families")
    assert (result, "DNS does not tell" in text) == ("not checked", True)


def test_names_with_an_ipv6_address_are_heard_there(host: SoundHost, monkeypatch: Patch) -> None:
    host.zone.aaaa(NAME, SIX)
    assert results(host.doctor("--json"), "ports IPv6") == {"not checked"}
    host.settings["gateway_bind"] = "::"
    assert results(host.doctor("--json"), "ports IPv6") == {"ok"}
    monkeypatch.setattr(listening, "serving", lambda state: object())
    monkeypatch.setattr(listening, "ports_by_ipv6", lambda: frozenset({host.settings["mx_port"]}))
    cause = f"where nobody listens on port {host.settings['submission_port']}"
    fails(host, "ports IPv6", cause, 'Set gateway_bind = "::"')
    ports_ = frozenset({host.settings["mx_port"], host.settings["submission_port"]})
    monkeypatch.setattr(listening, "ports_by_ipv6", lambda: ports_)
    assert results(host.doctor("--json"), "ports IPv6") == {"ok"}
    host.zone.fail(NAME, "SERVFAIL")
    assert results(host.doctor("--json"), "ports IPv6") == {"not checked"}


def test_the_system_tells_what_is_heard_by_ipv6(tmp_path: Path) -> None:
    listeners = [
        socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True),
        socket.create_server(("::1", 0), family=socket.AF_INET6),
        socket.create_server(("127.0.0.1", 0)),
    ]
    every, *inner = (one.getsockname()[1] for one in listeners)
    heard = listening.ports_by_ipv6()
    for one in listeners:
        one.close()
    assert heard is not None
    assert every in heard
    assert not heard & set(inner)
    assert listening.ports_by_ipv6(tmp_path / "none") is None
    (tmp_path / "odd").write_bytes(b"sl\n\xff\xff nonsense\n" * 10_000)
    assert listening.ports_by_ipv6(tmp_path / "odd") == frozenset()
