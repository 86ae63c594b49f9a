"""Addresses of bodies and uploads: good for one place and time, under any key of the key file, and for nothing else."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from chalicelib.adapters.sqlite.folder import KEY, StateFolder
from chalicelib.adapters.sqlite.links import UPLOAD_SECONDS, SignedLinks, Ticket
from chalicelib.adapters.sqlite.sealing_keys import SealingKeys
from chalicelib.adapters.system.randomness import SystemRand
from chalicelib.config import Settings
from chalicelib.domain.errors import NotFound, Refused
from chalicelib.domain.model import BlobRef
from tests.fakes import NOW, a_server_id

REF = BlobRef("20270115/0123456789ab-1.seg", 16, 1_000)


def links_of(folder: Path | None = None, **settings: str) -> SignedLinks:
    chosen = Settings(state_folder=str(folder or ""), **settings)
    return SignedLinks(chosen, SealingKeys(StateFolder(chosen), SystemRand()))


def test_a_link_names_its_bytes_until_its_time(tmp_path: Path) -> None:
    links = links_of(tmp_path, web_url="http://127.0.0.1:8000/")
    url = links.link(REF, NOW + 300)
    assert url.startswith(
        f"http://127.0.0.1:8000/b/20270115/0123456789ab-1.seg/16/1000/{NOW + 300}/"
    )
    path = urlsplit(url).path
    assert links.read_link(path, NOW + 299.9) == REF
    with pytest.raises(Refused):
        links.read_link(path, NOW + 300)
    assert links_of(tmp_path).read_link(path, NOW) == REF  # another process


@pytest.mark.parametrize("name", ["a.txt", 'größe "1".png', "\r\nX: y", "😀" * 100])
def test_a_link_may_name_a_file(name: str) -> None:
    links = links_of()
    path = urlsplit(links.link(REF, NOW + 300, name)).path
    assert (links.read_link(path, NOW), links.read_name(path)) == (REF, name)
    assert links.read_name(urlsplit(links.link(REF, NOW + 300)).path) == ""
    front, coded, mac = path.rsplit("/", 2)
    for other in (f"{front}/~YQ/{mac}", f"{front}/{mac}", f"{front}/{coded}/{coded}/{mac}"):
        with pytest.raises((Refused, NotFound)):
            links.read_link(other, NOW)


def test_a_long_name_of_a_file_keeps_its_end() -> None:
    links = links_of()
    path = urlsplit(links.link(REF, NOW + 300, "x" * 300 + ".pdf")).path
    assert links.read_name(path) == "x" * 96 + ".pdf"


def test_a_ticket_tells_its_size_and_when_it_was_given() -> None:
    links, server = links_of(web_hostname="mail.example.com"), a_server_id()
    url = links.ticket(server, "0" * 32, 5, NOW)
    assert url.startswith("https://mail.example.com/u/")
    path = urlsplit(url).path
    assert links.read_ticket(path, NOW + 5) == Ticket(f"u/{server}/{'0' * 32}", 5, NOW)
    with pytest.raises(Refused):
        links.read_ticket(path, NOW + UPLOAD_SECONDS)


def test_nothing_in_an_address_can_be_changed() -> None:
    links = links_of()
    path = urlsplit(links.link(REF, NOW + 300)).path
    for at in range(3, len(path)):
        for other in ("0", "1", "a", "-", "/"):
            changed = path[:at] + other + path[at + 1 :]
            # The last character of 43 has two bits that say nothing.
            if changed != path:
                with pytest.raises((Refused, NotFound)):
                    links.read_link(changed, NOW)
    with pytest.raises(NotFound):
        links.read_ticket(path, NOW)


@pytest.mark.parametrize(
    "path",
    [
        "/b/",
        "/b/../key/0/32/9999999999/" + "A" * 43,
        "/b/é/1/1/1/" + "A" * 43,
        "/b/" + "a" * 100_000,
    ],
)
def test_what_we_did_not_give_opens_nothing(path: str) -> None:
    with pytest.raises((Refused, NotFound)):
        links_of().read_link(path, NOW)


def test_addresses_outlive_a_new_key_and_end_with_their_own(tmp_path: Path) -> None:
    path = urlsplit(links_of(tmp_path).link(REF, NOW + 300)).path
    key = tmp_path / KEY
    old = key.read_text()
    key.chmod(0o600)
    key.write_text("ab" * 32 + "\n" + old)
    assert links_of(tmp_path).read_link(path, NOW) == REF
    newer = urlsplit(links_of(tmp_path).link(REF, NOW + 300)).path
    assert newer != path
    key.write_text("ab" * 32 + "\n")
    assert links_of(tmp_path).read_link(newer, NOW) == REF
    with pytest.raises(Refused):
        links_of(tmp_path).read_link(path, NOW)


def test_two_installations_do_not_know_each_other_s_addresses() -> None:
    with pytest.raises(Refused):
        links_of().read_link(urlsplit(links_of().link(REF, NOW + 300)).path, NOW)
