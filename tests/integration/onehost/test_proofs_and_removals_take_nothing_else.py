"""What a proof, or the removal of an old backup, takes away is its own: no folder of others, nothing behind links."""

from __future__ import annotations

from pathlib import Path

from onehost.backups.dated import PROVING
from onehost.storage.copying import to_itself
from tests.integration.onehost.dated_backups import DatedHost


def proof_refused(dated: DatedHost, place: Path, sentence: str) -> None:
    dated.settings["backup_proof_folder"] = str(place)
    done = dated.command("backups", "prove")
    assert (done.code, done.err) == (1, f"posthorn: {sentence}.\n")
    assert dated.notes.proof_failure == sentence


async def test_a_folder_of_that_name_that_is_somebody_elses(
    dated: DatedHost, tmp_path: Path
) -> None:
    dated.made()
    place = tmp_path / "place"
    mine = place / PROVING / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("Keep me")
    sentence = (
        f"{place / PROVING} has something else in it, which a trial restore would remove: name another folder as"
        " backup_proof_folder"
    )
    proof_refused(dated, place, sentence)
    assert mine.read_text() == "Keep me"
    moved = mine.parent.rename(tmp_path / "moved")
    (place / PROVING).symlink_to(moved)
    proof_refused(dated, place, sentence)
    assert (moved / "mine.txt").exists()
    (place / PROVING).unlink()
    assert dated.command("backups", "prove").code == 0
    assert list(place.iterdir()) == []


async def test_what_a_killed_proof_left_is_removed(dated: DatedHost, tmp_path: Path) -> None:
    dated.made()
    left = tmp_path / "place" / PROVING
    (left / "restoring" / "bodies").mkdir(parents=True)
    for name in ("control.db", "control.db-wal", "mail.db", "mail.db-shm", "lock"):
        (left / name).write_text("")
    dated.settings["backup_proof_folder"] = str(left.parent)
    assert dated.command("backups", "prove").code == 0
    assert not left.exists()


async def test_in_the_state_folder_or_in_a_backup(dated: DatedHost) -> None:
    one = dated.made().path
    proof_refused(dated, dated.state, f"{dated.state} lies in the state folder itself")
    proof_refused(dated, one, f"{one} is a backup: name another folder as backup_proof_folder")
    within = one / "bodies"
    within.mkdir(exist_ok=True)
    proof_refused(dated, within, f"{within} lies in the backup {one}, which would remove it")


async def test_a_backup_that_is_kept_elsewhere_behind_a_link(
    dated: DatedHost, tmp_path: Path
) -> None:
    dated.settings["backup_keep"] = 1
    first = dated.made().path
    kept = first.rename(tmp_path / "kept")
    first.symlink_to(kept)
    dated.made()
    assert not first.is_symlink()
    assert (kept / "manifest.json").exists()
    dated.made()
    assert (len(dated.all), dated.left()) == (1, set())


async def test_a_backup_that_is_being_restored_goes_later(dated: DatedHost) -> None:
    dated.settings["backup_keep"] = 1
    first = dated.made().path
    with to_itself(first, "{} is busy"):
        dated.made()
        assert dated.all[0].path == first
    last = dated.made()
    assert [one.path for one in dated.all] == [last.path]
