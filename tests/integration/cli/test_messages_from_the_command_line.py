"""Messages are listed, shown, read raw, released, cancelled and retried from the command line."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib.adapters.sqlite.feed import EventFeed
from chalicelib.bootstrap import run
from chalicelib.cli.main import main
from chalicelib.cli.session import Session
from chalicelib.domain.model import Delivery, Message, State, Status
from chalicelib.domain.reply import Reply
from chalicelib.domain.tenancy.endpoints import EndpointType
from chalicelib.ports.egress import TransactionResult
from chalicelib.ports.messages import MessageStore
from chalicelib.services.events.index_mail import IndexMail
from chalicelib.services.messages import search_index
from chalicelib.services.tenancy.credentials import CredentialOptions
from tests.incoming_mail import add_endpoint
from tests.incoming_play import arrives, carry
from tests.integration.cli.conftest import Outcome, Run
from tests.worlds import CONTENT, Scene, make_scene


@pytest.fixture
def scene() -> Scene:
    return run(make_scene(credential=CredentialOptions(hold=True)))


@pytest.fixture
def cli(
    scene: Scene, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Runs a command line against the scene."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://nowhere.invalid")

    def run_command(*arguments: str) -> Outcome:
        code = main(arguments, Session(open_installation=lambda: scene.posthorn))
        captured = capsysbinary.readouterr()
        return Outcome(code, captured.out.decode("utf-8", "surrogateescape"), captured.err.decode())

    return run_command


def fail(scene: Scene, accepted: Message, output: str) -> None:
    """Record a soft failure with these words of the other side."""
    before = run(scene.record(accepted))
    delivery = Delivery(
        7,
        Status.SOFT_FAIL,
        "Temporary SMTP delivery error when sending to 198.51.100.7:25 (mx.example.com)",
        scene.clock.now(),
        output=output,
        seconds=0.5,
        remote="198.51.100.7:25 (mx.example.com)",
        source="192.0.2.1",
    )
    wake_at = int(scene.clock.now()) + 300
    after = replace(
        before,
        status=Status.SOFT_FAIL,
        state=State.WAITING,
        attempt=before.attempt + 1,
        tries=before.tries + 1,
        wake_at=wake_at,
        deliveries=(*before.deliveries, delivery),
    )
    assert run(scene.posthorn[MessageStore].replace(before, after))


def hold(scene: Scene) -> Message:
    """A message that the credential's setting holds."""
    accepted = run(scene.accept())[0]
    run(scene.deliver_ready())
    assert run(scene.record(accepted)).state is State.HELD
    return accepted


def test_a_message_is_listed_and_shown(cli: Run, scene: Scene) -> None:
    accepted = run(scene.accept("john@example.com"))[0]
    run(scene.accept("mary@example.net"))
    listed = cli("message", "list", "--json").json
    assert [each["rcpt_to"] for each in listed["messages"]] == [
        "mary@example.net",
        "john@example.com",
    ]
    assert "mary@example.net" in cli("message", "list").out
    found = cli("message", "list", "--to", "JOHN@example.com", "--json").json["messages"]
    assert [each["id"] for each in found] == [accepted.id]
    abroad = run(scene.accept("hans@xn--strae-oqa.test"))[0]
    found = cli("message", "list", "--to", "hans@STRAßE.test", "--json").json["messages"]
    assert [each["id"] for each in found] == [abroad.id]
    shown = cli("message", "show", str(accepted.id), "--json").json
    assert shown["token"] == accepted.token
    assert shown["deliveries"] == []
    assert shown == cli("message", "show", accepted.token, "--server", "acme/app", "--json").json
    assert "Accepted" in cli("message", "show", str(accepted.id)).out


def test_pages_follow_each_other(cli: Run, scene: Scene) -> None:
    for number in range(5):
        run(scene.accept(f"r{number}@example.com"))
    first = cli("message", "list", "--limit", "3", "--json").json
    second = cli("message", "list", "--limit", "3", "--cursor", first["next_cursor"], "--json").json
    ids = [each["id"] for each in first["messages"] + second["messages"]]
    assert len(ids) == 5
    assert ids == sorted(ids, reverse=True)
    assert cli("message", "list", "--cursor", "nonsense").code == 1


def test_a_hostile_reply_is_shown_harmless(cli: Run, scene: Scene) -> None:
    accepted = run(scene.accept())[0]
    fail(scene, accepted, "450 4.2.0 \x1b[2J\x1b[H\rAll delivered\x07\u202e")
    text = cli("message", "show", str(accepted.id)).out
    assert "\x1b" not in text
    assert "\r" not in text
    assert "\u202e" not in text
    assert "450 4.2.0 \\x1b[2J\\x1b[H\\x0dAll delivered\\x07\\u202e" in text
    assert "(next)" in text
    raw = cli("message", "show", str(accepted.id), "--json")
    assert raw.out.isascii()
    assert "\x1b" not in raw.out
    assert raw.json["deliveries"][0]["output"].startswith("450 4.2.0 \x1b")
    assert raw.json["next_attempt_at"] is not None


def test_a_hostile_subject_is_shown_harmless(cli: Run, scene: Scene) -> None:
    content = CONTENT.replace(b"Subject: Hello", b"Subject: =?utf-8?q?=1B[2J=E2=80=AEx?=")
    accepted = run(scene.accept(content=content))[0]
    for arguments in (("message", "list"), ("message", "show", str(accepted.id))):
        text = cli(*arguments).out
        assert "\x1b" not in text
        assert "\u202e" not in text


def test_raw_gives_the_exact_bytes(cli: Run, scene: Scene, tmp_path: Path) -> None:
    content = CONTENT + b"\xff\x1b[2J\r\n"
    accepted = run(scene.accept(content=content))[0]
    outcome = cli("message", "raw", str(accepted.id))
    assert outcome.out.encode("utf-8", "surrogateescape") == content
    file = tmp_path / "message.eml"
    assert cli("message", "raw", str(accepted.id), "--output", str(file)).out == ""
    assert file.read_bytes() == content
    shape = cli("message", "raw", str(accepted.id), "--json").json
    assert base64.b64decode(shape["raw"]) == content


def test_a_held_message_is_released(cli: Run, scene: Scene) -> None:
    accepted = hold(scene)
    held = cli("message", "list", "--flag", "held", "--json").json["messages"]
    assert [each["id"] for each in held] == [accepted.id]
    released = cli("message", "release", str(accepted.id), "--json").json
    assert released["held"] is False
    run(scene.deliver_ready())
    assert cli("message", "show", str(accepted.id), "--json").json["status"] == "Sent"
    again = cli("message", "release", str(accepted.id))
    assert again.code == 1
    assert "is not held" in again.err


def test_a_hold_is_cancelled(cli: Run, scene: Scene) -> None:
    accepted = hold(scene)
    assert "HoldCancelled" in cli("message", "cancel", str(accepted.id)).out
    assert run(scene.record(accepted)).state is State.DONE


def test_a_waiting_message_is_tried_again_now(cli: Run, scene: Scene) -> None:
    accepted = run(scene.accept())[0]
    fail(scene, accepted, "450 later")
    assert cli("message", "retry", str(accepted.id)).code == 0
    run(scene.deliver_ready())
    assert run(scene.record(accepted)).status is Status.SENT
    assert cli("message", "retry", str(accepted.id)).code == 1


def test_another_servers_message_is_not_found(cli: Run, scene: Scene) -> None:
    accepted = run(scene.accept())[0]
    assert cli("server", "create", "Other", "--organization", "acme").code == 0
    for name in (str(accepted.id), accepted.token):
        outcome = cli("message", "show", name, "--server", "acme/other")
        assert outcome.code == 1
        assert outcome.out == ""


def test_a_message_is_held_given_up_and_sent_once_more(cli: Run, scene: Scene) -> None:
    accepted = run(scene.accept())[0]
    fail(scene, accepted, "450 later")
    number = str(accepted.id)
    assert cli("message", "hold", number, "--json").json["held"] is True
    assert cli("message", "release", number, "--note", "asked by phone").code == 0
    assert "HardFail" in cli("message", "bounce", number).out
    assert cli("message", "hold", number).code == 1
    made = cli("message", "resend", number, "--json").json
    assert made["emails"][0]["to"] == accepted.rcpt_to
    assert cli("message", "show", str(made["id"]), "--json").json["resend_of"] == accepted.id


def test_what_waits_is_shown_by_destination(cli: Run, scene: Scene) -> None:
    fail(scene, run(scene.accept("john@example.com"))[0], "450 \x1b[2Jlater")
    (found,) = cli("queue", "show", "--json").json
    assert (found["domain"], found["waiting"]) == ("example.com", 1)
    text = cli("queue", "show").out
    assert "example.com" in text
    assert "\x1b" not in text
    assert cli("queue", "show", "--status", "held", "--json").json == []


def test_content_is_shown_and_attachments_are_written(
    cli: Run, scene: Scene, tmp_path: Path
) -> None:
    content = (
        b"From: app@acme.test\r\nSubject: =?utf-8?q?Gr=1Bn?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b'--b\r\n\r\nHello \x1b[31m\r\n--b\r\nContent-Type: a/b; name="x\x07.bin"\r\n\r\n\x02\x01\r\n--b--\r\n'
    )
    accepted = run(scene.accept(content=content))[0]
    shown = cli("message", "content", str(accepted.id))
    assert "Hello \\x1b[31m" in shown.out
    assert "\x1b" not in shown.out
    assert "a/b" in shown.out
    found = cli("message", "content", str(accepted.id), "--json").json
    assert found["attachments"][0]["size"] == 2
    file = tmp_path / "x.bin"
    assert cli("message", "attachment", str(accepted.id), "0", "--output", str(file)).code == 0
    assert file.read_bytes() == b"\x02\x01"
    missing = cli("message", "attachment", str(accepted.id), "7")
    assert (missing.code, missing.err) == (1, "posthorn: There is no such attachment.\n")


def test_what_was_said_is_shown(cli: Run, scene: Scene) -> None:
    message = run(scene.accept("john@example.com"))[0]
    number = str(message.id)
    none = cli("message", "conversation", number)
    assert (none.code, none.err) == (1, "posthorn: There was no attempt yet.\n")
    later = TransactionResult(Reply(450, "4.2.0", "\u202elater"), "RCPT")
    scene.egress.will("john@example.com", later)
    run(scene.deliver_ready())  # which holds it, as its credential says
    assert cli("message", "release", number).code == 0
    run(scene.deliver_ready())
    shown = cli("message", "conversation", number)
    assert "> RCPT TO:<john@example.com>" in shown.out
    assert "< 450 4.2.0 \\u202elater" in shown.out
    delivery = cli("message", "show", number, "--json").json["deliveries"][-1]
    found = cli("message", "conversation", number, str(delivery["id"]), "--json").json
    assert found["data"][-1]["from"] == "them"
    assert cli("message", "conversation", number, "99").code == 1


def test_a_message_is_replayed_to_an_endpoint_by_its_name(cli: Run, scene: Scene) -> None:
    to = {"type": EndpointType.ADDRESS, "address": "other@example.com"}
    run(add_endpoint(scene, name="elsewhere", **to))
    message = run(arrives(scene, None))
    run(carry(scene))
    asked = ("message", "replay", str(message.id), "--endpoint")
    unknown = cli(*asked, "nowhere")
    assert (unknown.code, unknown.err) == (1, "posthorn: There is no endpoint nowhere here.\n")
    assert cli(*asked, "elsewhere").code == 0
    assert run(carry(scene)) == 1
    (got,) = scene.egress.received
    assert got.envelope.rcpt_to == "other@example.com"


def test_messages_are_searched_for(scene: Scene, cli: Run) -> None:
    run(scene.accept("bob@example.com"))
    run(scene.accept("eve@example.com"))
    found = cli("message", "list", "-q", "to:*@example.com -to:bob*").out
    assert "eve@example.com" in found
    assert "bob@example.com" not in found
    both = cli(
        "message", "list", "--q", "status:held", "--to", "bob@example.com", "--status", "held"
    )
    assert both.code == 0
    wrong = cli("message", "list", "--q", "tga:x")
    assert wrong.code != 0
    assert "tga:x: there is no key tga; tag may be meant" in wrong.err


def test_a_search_that_ended_early_says_so(
    scene: Scene, cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NEWEST", "MOST_LISTED", "MOST_READ", "AT_ONCE"):
        monkeypatch.setattr(search_index, name, 1)
    for _ in range(5):
        run(scene.accept("bob@example.com", content=CONTENT.replace(b"Hello", b"One two", 1)))
    changes, _ = scene.posthorn[EventFeed].read()
    run(scene.posthorn[IndexMail].take("a", changes))
    # All have both words, and none has them in this order.
    said = cli("message", "list", "-q", '"two one"', "--limit", "1").out
    assert "Searched as far as 20" in said
    assert "More: --cursor" in said
    assert "Searched as far" not in cli("message", "list", "-q", "two", "--limit", "1").out
