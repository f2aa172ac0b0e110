"""The site's key: made once, kept from others, never replaced in silence."""

from __future__ import annotations

import os
import pickle
import stat
from pathlib import Path

import pyrage
import pytest

from lfrd import config
from lfrd.config import Placed
from lfrd.errors import CorruptError, MissingError, SealError, SettingError
from lfrd.sealing.sitekey import CREDENTIAL, SiteKey, open_site_key, promote, write_new, write_next


@pytest.fixture
def placed(tmp_path: Path) -> Placed:
    return config.parse({}).at(tmp_path)


def opened(placed: Placed, create: bool = False, credentials: Path | None = None) -> SiteKey:
    environment = {} if credentials is None else {"CREDENTIALS_DIRECTORY": str(credentials)}
    return open_site_key(placed, create=create, environment=environment)


def test_a_new_key_is_kept_for_its_owner_alone_and_read_again(placed: Placed) -> None:
    made = opened(placed, create=True)
    file = placed.folder / "site.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = opened(placed)
    assert (again.id, again.recipient, again.kept) == (made.id, made.recipient, file)
    assert again.unwrap(made.wrap(b"k" * 32, "d1/alerts"), "d1/alerts") == b"k" * 32
    assert list(placed.folder.iterdir()) == [file]


def test_a_key_is_made_whatever_the_umask(placed: Placed) -> None:
    before = os.umask(0)
    try:
        opened(placed, create=True)
    finally:
        os.umask(before)
    assert stat.S_IMODE((placed.folder / "site.key").stat().st_mode) == 0o600


def test_a_lost_key_is_one_line_that_says_what_to_do_and_never_a_new_key(placed: Placed) -> None:
    with pytest.raises(MissingError, match=r"site\.key: the site key is not there; put its backup"):
        opened(placed)
    assert list(placed.folder.iterdir()) == []


def test_the_file_is_an_age_identity_that_a_person_can_back_up(placed: Placed) -> None:
    made = opened(placed, create=True)
    text = (placed.folder / "site.key").read_text(encoding="ascii")
    assert "Keep one copy" in text
    assert made.id in text
    secret = text.splitlines()[-1]
    package = pyrage.encrypt(b"a list", [pyrage.x25519.Recipient.from_str(made.recipient)])
    assert pyrage.decrypt(package, [pyrage.x25519.Identity.from_str(secret)]) == b"a list"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o700, 0o644])
def test_a_key_that_others_may_use_is_refused_with_the_command_that_helps(placed: Placed, mode: int) -> None:
    opened(placed, create=True)
    file = placed.folder / "site.key"
    file.chmod(mode)
    with pytest.raises(SettingError, match=f"chmod 600 {file}"):
        opened(placed)


def test_a_key_of_another_user_is_refused(placed: Placed) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to give a file away")
    opened(placed, create=True)
    os.chown(placed.folder / "site.key", 1234, 1234)
    with pytest.raises(SettingError, match="belongs to another user"):
        opened(placed)


@pytest.mark.parametrize("key_file", ["data/site.key", "data/deep/site.key", "data"])
def test_a_key_inside_the_data_folder_is_refused(tmp_path: Path, key_file: str) -> None:
    placed = config.parse({"sealing": {"key_file": key_file}}).at(tmp_path)
    with pytest.raises(SettingError, match=r"sealing\.key_file: .* lies in the data folder"):
        opened(placed, create=True)
    assert list(tmp_path.iterdir()) == []


def test_a_link_out_of_the_data_folder_that_leads_back_into_it_is_refused(placed: Placed) -> None:
    placed.data.mkdir()
    (placed.folder / "site.key").symlink_to(placed.data / "hidden")
    with pytest.raises(SettingError, match="lies in the data folder"):
        opened(placed, create=True)


def test_a_damaged_key_is_refused_at_any_letter(placed: Placed) -> None:
    opened(placed, create=True)
    file = placed.folder / "site.key"
    text = file.read_text(encoding="ascii")
    start = text.index("AGE-SECRET-KEY-1")
    for place in range(start, len(text) - 1, 7):
        letter = "Q" if text[place] != "Q" else "P"
        file.write_text(text[:place] + letter + text[place + 1 :], encoding="ascii")
        with pytest.raises(CorruptError, match="put its backup in its place"):
            opened(placed)


@pytest.mark.parametrize("content", [b"", b"hello\n", b"\xff" * 300, b"AGE-SECRET-KEY-1\n", b"x" * 9000])
def test_a_file_that_is_no_key_is_refused_and_left_alone(placed: Placed, content: bytes) -> None:
    file = placed.folder / "site.key"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(CorruptError):
        opened(placed, create=True)
    assert file.read_bytes() == content


def test_a_folder_in_the_keys_place_is_refused(placed: Placed) -> None:
    (placed.folder / "site.key").mkdir()
    with pytest.raises(MissingError, match="cannot be read"):
        opened(placed, create=True)


def test_systemds_credential_goes_before_the_file(placed: Placed, tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    in_file = opened(placed, create=True)
    key = SiteKey.generate()
    write_new(credentials / CREDENTIAL, key)
    (credentials / CREDENTIAL).chmod(0o440)  # systemd's own business
    assert opened(placed, credentials=credentials).id == key.id != in_file.id
    assert opened(placed, credentials=credentials).kept is None


def test_credentials_without_ours_leave_the_file(placed: Placed, tmp_path: Path) -> None:
    made = opened(placed, create=True)
    assert opened(placed, credentials=tmp_path).id == made.id


def test_a_key_beside_the_file_takes_its_place_in_one_step(placed: Placed) -> None:
    first = opened(placed, create=True)
    second = SiteKey.generate()
    write_next(placed.folder / "site.key", second)
    found = opened(placed)
    assert found.id == first.id
    assert found.successor is not None
    assert found.successor.id == second.id
    promote(second)
    promote(found.successor)  # another process that saw it too
    assert opened(placed).id == second.id
    assert [file.name for file in placed.folder.iterdir()] == ["site.key"]


def test_a_damaged_key_beside_the_file_does_not_keep_the_box_from_starting(placed: Placed) -> None:
    first = opened(placed, create=True)
    (placed.folder / "site.key.next").write_text("half", encoding="ascii")
    assert opened(placed).id == first.id
    assert opened(placed).successor is None


def test_a_file_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    first = SiteKey.generate()
    write_new(tmp_path / "key", first)
    with pytest.raises(SettingError, match="is there already"):
        write_new(tmp_path / "key", SiteKey.generate())
    assert first.reveal() in (tmp_path / "key").read_text(encoding="ascii")


def test_a_wrapped_key_opens_for_its_own_purpose_only() -> None:
    key = SiteKey.generate()
    wrapped = key.wrap(b"k" * 32, "d1/alerts")
    for context in ("d1/watchlist", "d2/alerts"):
        with pytest.raises(SealError):
            key.unwrap(wrapped, context)
    with pytest.raises(SealError):
        SiteKey.generate().unwrap(wrapped, "d1/alerts")


def test_a_site_key_shows_its_id_only_and_is_never_pickled() -> None:
    key = SiteKey.generate()
    assert repr(key) == f"SiteKey({key.id})"
    assert len(key.id) == 16
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(key)
