"""A client submits mail: greeting, capabilities, TLS, authentication, the message as stored, the replies as seen."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import shutil
import smtplib
import ssl
from base64 import b64decode

import pytest

from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.domain.acceptance import Acceptance, Door
from chalicelib.domain.dsn_parameters import DsnParameters
from chalicelib.domain.tenancy.credentials import CREDENTIALS, CredentialKind
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.repository import Repository
from chalicelib.services.tenancy.credentials import CredentialOptions, Credentials
from chalicelib.services.tenancy.servers import Servers
from gateway.configuration import Role
from tests.gateway_scene import HOST, MAIL, encoded, plain, running_gateway, trusting_context
from tests.patience import PATIENCE
from tests.queues import depth


async def test_greeting_names_us_and_a_trace() -> None:
    async with running_gateway() as gateway:
        client = await gateway.connect(greet=False)
        said = await client.reply()
        assert said.code == 220
        assert re.fullmatch(rf"{re.escape(HOST)} ESMTP Posthorn/[A-Z0-9]{{8}}", said.text)


async def test_capabilities_before_and_after_tls() -> None:
    async with running_gateway(allow_plain_auth=False) as gateway:
        client = await gateway.connect()
        before = (await client.say("EHLO me.test")).lines[1:]
        await client.start_tls()
        after = (await client.say("EHLO me.test")).lines[1:]
    common = {
        "SIZE 1048576",
        "PIPELINING",
        "8BITMIME",
        "SMTPUTF8",
        "ENHANCEDSTATUSCODES",
        "CHUNKING",
        "DSN",
        "LIMITS RCPTMAX=10",
    }
    assert set(before) == common | {"STARTTLS"}
    assert set(after) == common | {"AUTH PLAIN LOGIN"}


@pytest.mark.parametrize("role", list(Role))
async def test_a_message_is_stored_byte_for_byte_behind_our_received_field(role: Role) -> None:
    content = MAIL + b".\r\n..dots\r\n\x01\xff eight bits\r\n" + b"x" * 5_000 + b"\r\n"
    async with running_gateway() as gateway:
        gateway.scene.posthorn[ScriptedResolver].zone["1.0.0.127.in-addr.arpa"] = {
            "PTR": ["here.test"]
        }
        client = await gateway.logged_in(role)
        said = await client.submit(content, "john@example.com", "jane@example.net")
        assert await gateway.contents() == [content, content]
        messages = gateway.messages()
        assert str(said) == f"250 2.0.0 OK queued as {messages[0].token} {messages[1].token}"
        assert [each.rcpt_to for each in messages] == ["john@example.com", "jane@example.net"]
        assert {each.mail_from for each in messages} == {"app@acme.test"}
        assert {each.received_with_ssl for each in messages} == {role is Role.SUBMISSIONS}
        came = [Acceptance.parse(each.acceptance or "") for each in messages]
        assert {one and (one.by, one.client) for one in came} == {(Door.SMTP, "127.0.0.1")}
        assert len({one and one.request_id for one in came} - {""}) == 1
        assert [each.request for each in messages] == [None, messages[0].id]
        stored = await gateway.scene.posthorn[BlobStore].get(messages[0].blob)
        assert re.match(
            rb"Received: from client\.test \([a-z0-9.]+ \[127\.0\.0\.1\]\) "
            rb"by mail\.acme-host\.test with SMTP; [A-Z][a-z]{2}, \d\d .* \+0000\r\n",
            stored,
        )
        assert depth(gateway.scene.posthorn) == 2


async def test_privacy_mode_leaves_the_client_out() -> None:
    async with running_gateway() as gateway:
        await gateway.scene.change_server(privacy_mode=True)
        client = await gateway.logged_in()
        assert (await client.submit()).code == 250
        stored = await gateway.scene.posthorn[BlobStore].get(gateway.messages()[0].blob)
        assert stored.startswith(b"Received: by mail.acme-host.test with SMTP; ")
        came = Acceptance.parse(gateway.messages()[0].acceptance or "")
        assert came is not None
        assert came.client == ""


async def test_auth_login_with_and_without_initial_username() -> None:
    async with running_gateway() as gateway:
        for initial in (True, False):
            client = await gateway.connect()
            await client.say("EHLO me.test")
            if initial:
                said = await client.say("AUTH LOGIN " + encoded("nobody"))
            else:
                assert str(await client.say("AUTH LOGIN")) == "334 VXNlcm5hbWU6"
                said = await client.say(encoded("nobody"))
            assert str(said) == "334 UGFzc3dvcmQ6"
            said = await client.say(encoded(gateway.key))
            assert str(said) == "235 2.7.0 Granted for acme/app"


async def test_auth_plain_in_two_steps() -> None:
    async with running_gateway() as gateway:
        client = await gateway.connect()
        await client.say("EHLO me.test")
        assert str(await client.say("AUTH plain")) == "334 "
        assert (await client.say(plain(gateway.key))).code == 235


@pytest.mark.parametrize("sealed", [True, False])
async def test_cram_md5_needs_a_credential_made_for_it(sealed: bool) -> None:
    async with running_gateway(credential=CredentialOptions(cram=sealed)) as gateway:
        client = await gateway.connect()
        await client.say("EHLO me.test")
        said = await client.say("AUTH CRAM-MD5")
        challenge = b64decode(said.text)
        assert re.fullmatch(rb"<[0-9a-f]{20}@mail\.acme-host\.test>", challenge)
        digest = hmac.new(gateway.key.encode(), challenge, hashlib.md5).hexdigest()
        said = await client.say(encoded(f"acme/app {digest}"))
        if sealed:
            assert str(said) == "235 2.7.0 Granted for acme/app"
        else:
            assert str(said) == "535 5.7.8 Denied"
            assert (await client.say("AUTH PLAIN " + plain(gateway.key))).code == 235


async def test_smtp_ip_credential_serves_a_client_without_auth() -> None:
    async with running_gateway() as gateway:
        client = await gateway.connect(Role.MX)
        await client.say("EHLO me.test")
        assert str(await client.envelope()) == "530 5.7.0 Authentication required"
        await gateway.scene.posthorn[Credentials].create(
            gateway.scene.server,
            CredentialKind.SMTP_IP,
            "loopback",
            CredentialOptions(network="127.0.0.0/8"),
        )
        assert str(await client.say("RCPT TO:<john@example.com>")) == "250 2.1.5 OK"
        assert (await client.data()).code == 250
        assert len(gateway.messages()) == 1


async def test_foreign_from_is_refused_with_nothing_stored() -> None:
    async with running_gateway() as gateway:
        client = await gateway.logged_in()
        said = await client.submit(b"From: eve@elsewhere.test\r\n\r\nHi\r\n")
        assert str(said) == "530 5.7.1 From/Sender name is not valid"
        said = await client.submit(b"From: app@acme.test, eve@elsewhere.test\r\n\r\nHi\r\n")
        assert said.code == 530
        assert gateway.messages() == []
        assert (await client.submit()).code == 250


async def test_suspension_and_lost_credentials_bite_in_an_open_session() -> None:
    async with running_gateway() as gateway:
        client = await gateway.logged_in()
        assert (await client.submit()).code == 250
        scene = gateway.scene
        await scene.posthorn[Servers].suspend(scene.server, "late bills")
        scene.clock.advance(60)
        said = await client.envelope()
        assert said.code == 535
        assert said.text.startswith("5.7.0 Mail server has been suspended")
        await client.say("RSET")
        await scene.posthorn[Repository].remove(CREDENTIALS, scene.principal.credential)
        scene.clock.advance(60)
        said = await client.say("MAIL FROM:<app@acme.test>")
        assert str(said) == "530 5.7.0 Authentication required"


async def test_dsn_parameters_are_kept() -> None:
    async with running_gateway() as gateway:
        client = await gateway.logged_in()
        assert (await client.say("MAIL FROM:<app@acme.test> RET=hdrs ENVID=a+2Bb")).code == 250
        line = "RCPT TO:<john@example.com> NOTIFY=success,delay ORCPT=rfc822;j+40x"
        assert (await client.say(line)).code == 250
        assert (await client.say("RCPT TO:<jane@example.com>")).code == 250
        assert (await client.data()).code == 250
        first, second = gateway.messages()
        assert first.dsn == DsnParameters("SUCCESS,DELAY", "rfc822;j+40x", "HDRS", "a+2Bb")
        assert second.dsn == DsnParameters("", "", "HDRS", "a+2Bb")


async def test_smtputf8_addresses() -> None:
    async with running_gateway() as gateway:
        client = await gateway.logged_in()
        refused = await client.say("MAIL FROM:<jörg@acme.test>")
        assert str(refused).startswith("553 5.6.7")
        assert (await client.say("MAIL FROM:<app@acme.test>")).code == 250
        assert str(await client.say("RCPT TO:<用户@例子.测试>")).startswith("553 5.6.7")
        await client.say("RSET")
        assert (await client.say("MAIL FROM:<app@acme.test> SMTPUTF8 BODY=8BITMIME")).code == 250
        assert (await client.say("RCPT TO:<用户@例子.测试>")).code == 250
        assert (await client.data()).code == 250
        assert gateway.messages()[0].rcpt_to == "用户@xn--fsqu00a.xn--0zwm56d"
        assert gateway.messages()[0].smtputf8


async def test_one_pipelined_write_for_a_whole_session() -> None:
    async with running_gateway() as gateway:
        client = await gateway.connect()
        await client.send(
            b"EHLO me.test\r\nAUTH PLAIN " + plain(gateway.key).encode() + b"\r\n"
            b"MAIL FROM:<app@acme.test>\r\nRCPT TO:<a@example.com>\r\nRCPT TO:<b@example.com>\r\n"
            b"DATA\r\n" + MAIL + b".\r\n"
            b"MAIL FROM:<app@acme.test>\r\nRCPT TO:<c@example.com>\r\nDATA\r\n" + MAIL + b".\r\n"
            b"QUIT\r\n"
        )
        codes = [(await client.reply()).code for _ in range(12)]
        assert codes == [250, 235, 250, 250, 250, 354, 250, 250, 250, 354, 250, 221]
        assert await client.is_left()
        assert len(gateway.messages()) == 3


async def test_a_client_that_closes_its_sending_side_is_still_served() -> None:
    async with running_gateway() as gateway:
        client = await gateway.logged_in()
        await client.send(
            b"MAIL FROM:<app@acme.test>\r\nRCPT TO:<a@example.com>\r\nDATA\r\n" + MAIL + b".\r\n"
        )
        client.writer.write_eof()
        assert b"250 2.0.0 OK queued as" in await client.rest()
        assert len(gateway.messages()) == 1


async def test_ehlo_and_rset_end_the_transaction_but_not_the_authentication() -> None:
    async with running_gateway() as gateway:
        client = await gateway.logged_in()
        for word in ("RSET", "EHLO again.test", "HELO again.test"):
            await client.envelope()
            assert (await client.say(word)).code == 250
            assert (await client.say("DATA")).code == 503
            assert (await client.envelope()).code == 250
            await client.say("RSET")


async def test_smtplib_over_starttls_and_over_tls() -> None:
    async with running_gateway(allow_plain_auth=False) as gateway:
        message = MAIL.removesuffix(b"Hello\r\n") + b"A line\r\n.\r\n.\r\n"

        def starttls() -> None:
            with smtplib.SMTP("127.0.0.1", gateway.port()) as client:
                client.starttls(context=trusting_context())
                client.login("acme/app", gateway.key)
                assert client.sendmail("app@acme.test", ["a@example.com"], message) == {}

        def implicit() -> None:
            port, context = gateway.port(Role.SUBMISSIONS), trusting_context()
            with smtplib.SMTP_SSL("127.0.0.1", port, context=context) as client:
                client.login("whoever", gateway.key)
                assert client.sendmail("app@acme.test", ["b@example.com"], message) == {}

        await asyncio.to_thread(starttls)
        await asyncio.to_thread(implicit)
        assert await gateway.contents() == [message, message]
        assert all(each.received_with_ssl for each in gateway.messages())


async def test_old_tls_versions_are_refused() -> None:
    async with running_gateway() as gateway:
        context = trusting_context()
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("127.0.0.1", gateway.port(Role.SUBMISSIONS), ssl=context)
        await gateway.settled()


@pytest.mark.clients
@pytest.mark.parametrize("options", [("-tls",), ("-tlsc",)], ids=["starttls", "implicit"])
async def test_swaks(options: tuple[str, ...]) -> None:
    if shutil.which("swaks") is None:
        pytest.skip("swaks is not installed")
    role = Role.SUBMISSIONS if options == ("-tlsc",) else Role.SUBMISSION
    async with running_gateway(allow_plain_auth=False) as gateway:
        process = await asyncio.create_subprocess_exec(
            *("swaks", "--server", "127.0.0.1", "--port", str(gateway.port(role)), *options),
            *("--from", "app@acme.test", "--to", "a@example.com,b@example.com"),
            *("--auth-user", "acme/app", "--auth-password", gateway.key),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
        assert process.returncode == 0, output.decode()
        assert len(gateway.messages()) == 2


@pytest.mark.parametrize("role", [Role.SUBMISSION, Role.SUBMISSIONS])
async def test_a_failed_handshake_leaves_nothing_behind(role: Role) -> None:
    async with running_gateway(handshake_seconds=2.0) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port(role))
        if role is Role.SUBMISSION:
            await reader.readline()
            writer.write(b"STARTTLS\r\n")
            assert (await reader.readline()).startswith(b"220 ")
        writer.write(b"this is no TLS\r\n" * 10)
        await asyncio.wait_for(reader.read(), PATIENCE)
        await gateway.settled()
        assert gateway.gateway._connections == set()
        assert gateway.events("fault") == []
        assert len(gateway.events("tls_failed") + gateway.events("connection_refused")) == 1
        writer.close()
