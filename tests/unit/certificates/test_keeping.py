"""The folder of the authority and the certificate: renewed in time, never half, and nobody else's."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from lfrd.audit.kinds import AuthorityMade, CertificateMade
from lfrd.certificates import keeping
from lfrd.certificates.authority import CERTIFICATE_DAYS, Authority, make_authority
from lfrd.certificates.keeping import AUTHORITY, BOX, Certified, ensure, folder_of, read_authority, renew
from lfrd.certificates.names import Names, parse
from lfrd.config import Config, Tls
from lfrd.errors import CorruptError, LfrdError, SettingError
from tests.conftest import ROOT

NOW = 1_790_000_000.0
DAY = 86400.0
NAMES = parse(["box7", "localhost", "127.0.0.1", "192.168.7.20"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "tls"


def whys(found: Certified) -> list[str]:
    return [body.why for body in found.made if isinstance(body, CertificateMade)]


def test_the_first_call_makes_both_and_says_so_for_the_audit(folder: Path) -> None:
    found = ensure(folder, NAMES, NOW)
    assert found.made == (
        AuthorityMade(found.digest),
        CertificateMade(found.box.digest, found.until, len(NAMES), "first"),
    )
    assert found.names == NAMES
    assert found.problems == ()
    assert found.authority.signed(found.box.certificate)


def test_the_next_call_keeps_both(folder: Path) -> None:
    first, second = ensure(folder, NAMES, NOW), ensure(folder, NAMES, NOW + DAY)
    assert (first.digest, first.box.digest) == (second.digest, second.box.digest)
    assert second.made == ()


def test_files_are_for_their_owner_alone(folder: Path) -> None:
    ensure(folder, NAMES, NOW)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(path.name for path in folder.iterdir()) == [AUTHORITY, BOX]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_a_certificate_is_renewed_in_the_last_third_of_its_life_by_the_same_authority(folder: Path) -> None:
    first = ensure(folder, NAMES, NOW)
    third = CERTIFICATE_DAYS * DAY * 2 / 3
    assert ensure(folder, NAMES, NOW - 3600 + third - 1).made == ()
    later = ensure(folder, NAMES, NOW - 3600 + third + 1)
    assert whys(later) == ["renewed"]
    assert later.digest == first.digest
    assert later.until > first.until


def test_a_new_address_renews_and_one_that_went_does_not(folder: Path) -> None:
    """A wireless network that comes and goes must not fill the audit with certificates."""
    ensure(folder, NAMES, NOW)
    moved = parse([*NAMES.words(), "10.0.0.5"])
    assert whys(ensure(folder, moved, NOW)) == ["names"]
    assert ensure(folder, NAMES, NOW).made == ()
    assert ensure(folder, moved, NOW).made == ()


def test_a_name_that_the_authority_may_not_vouch_for_is_left_out_and_told(folder: Path) -> None:
    ensure(folder, NAMES, NOW)
    found = ensure(folder, parse([*NAMES.words(), "renamed.example"]), NOW)
    assert found.made == ()
    assert found.names == NAMES
    (problem,) = found.problems
    assert "renamed.example" in problem
    assert "lfrd tls renew --authority" in problem


def test_a_damaged_certificate_is_made_anew(folder: Path) -> None:
    first = ensure(folder, NAMES, NOW)
    (folder / BOX).write_bytes(b"-----BEGIN PRIVATE KEY-----\nhalf")
    found = ensure(folder, NAMES, NOW)
    assert whys(found) == ["first"]
    assert found.digest == first.digest


@pytest.mark.parametrize("text", [b"", b"half a key", b"\xff\xfe"])
def test_a_damaged_authority_is_told_and_nothing_is_made_in_its_place(folder: Path, text: bytes) -> None:
    ensure(folder, NAMES, NOW)
    (folder / AUTHORITY).write_bytes(text)
    with pytest.raises(CorruptError, match=r"authority\.pem: not a certificate authority.*--authority"):
        ensure(folder, NAMES, NOW)
    assert (folder / AUTHORITY).read_bytes() == text


def test_another_authority_put_in_place_gets_a_certificate_of_its_own(folder: Path) -> None:
    """As after a restored backup, or a renewal that was broken off between its two steps."""
    ensure(folder, NAMES, NOW)
    other = make_authority(NAMES, NOW)
    (folder / AUTHORITY).write_bytes(other.pem())
    found = ensure(folder, NAMES, NOW)
    assert found.digest == other.digest
    assert whys(found) == ["first"]


def test_an_authority_near_its_end_is_spoken_of_and_one_beyond_it_refused(folder: Path) -> None:
    until = ensure(folder, NAMES, NOW).authority.until
    assert "ends on" in ensure(folder, NAMES, until - 300 * DAY).problems[0]
    with pytest.raises(LfrdError, match=r"ended on \d{4}-\d\d-\d\d; `lfrd tls renew --authority`"):
        ensure(folder, NAMES, until + 1)


def test_in_the_authoritys_last_days_a_certificate_is_not_renewed_again_and_again(folder: Path) -> None:
    until = ensure(folder, NAMES, NOW).authority.until
    assert whys(ensure(folder, NAMES, until - 30 * DAY)) == ["renewed"]
    assert ensure(folder, NAMES, until - 29 * DAY).made == ()


# ---- clocks -----------------------------------------------------------------------------------------------


def test_a_clock_set_back_keeps_what_phones_take_and_says_so(folder: Path) -> None:
    first = ensure(folder, NAMES, NOW)
    found = ensure(folder, NAMES, 0.0)
    assert found.made == ()
    assert found.box.digest == first.box.digest
    assert "the clock of this machine says 1970-01-01" in found.problems[0]


def test_with_a_clock_before_its_authority_no_certificate_is_made(folder: Path) -> None:
    """Phones would find it out of date."""
    ensure(folder, NAMES, NOW)
    (folder / BOX).unlink()
    with pytest.raises(
        LfrdError, match=r"1970-01-01, before its certificate authority was made .*set the clock"
    ):
        ensure(folder, NAMES, 0.0)


def test_what_was_made_while_the_clock_was_ahead_is_made_anew(folder: Path) -> None:
    ensure(folder, NAMES, NOW)
    assert whys(ensure(folder, NAMES, NOW + 170 * DAY)) == ["renewed"]
    found = ensure(folder, NAMES, NOW + DAY)
    assert whys(found) == ["renewed"]
    assert found.box.since == NOW + DAY - 3600


# ---- whose files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [AUTHORITY, BOX])
def test_a_file_that_others_may_read_is_refused_with_what_to_do(folder: Path, name: str) -> None:
    ensure(folder, NAMES, NOW)
    (folder / name).chmod(0o640)
    with pytest.raises(SettingError, match=rf"tls\.folder: others may use .*chmod 600 .*{name}"):
        ensure(folder, NAMES, NOW)


def test_a_folder_that_others_may_write_into_is_refused(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(SettingError, match=r"tls\.folder: others may write .*chmod 700"):
        ensure(folder, NAMES, NOW)


def test_what_belongs_to_somebody_else_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure(folder, NAMES, NOW)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(SettingError, match=r"tls\.folder: .* belongs to another user"):
        ensure(folder, NAMES, NOW)


def test_a_folder_in_the_data_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"tls\.folder: .* lies in the data folder"):
        folder_of(Config(tls=Tls(folder="data/tls")).at(tmp_path))
    assert folder_of(Config().at(tmp_path)) == tmp_path / "tls"


# ---- writing ----------------------------------------------------------------------------------------------


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingError, match=r"tls\.folder: .* cannot be made"):
        ensure(tmp_path / "file" / "tls", NAMES, NOW)


def test_a_full_disk_leaves_what_was_there_and_nothing_half(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure(folder, NAMES, NOW)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SettingError, match=r"box\.pem cannot be written \(No space left on device\)"):
        renew(folder, NAMES, NOW)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_two_processes_that_start_at_once_have_one_authority(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one writes its own between our look and our writing."""
    other = make_authority(NAMES, NOW)

    def meanwhile(names: Names, now: float) -> Authority:
        made = make_authority(names, now)
        (folder / AUTHORITY).write_bytes(other.pem())
        (folder / AUTHORITY).chmod(0o600)
        return made

    monkeypatch.setattr(keeping, "make_authority", meanwhile)
    found = ensure(folder, NAMES, NOW)
    assert found.digest == other.digest
    assert sorted(path.name for path in folder.iterdir()) == [AUTHORITY, BOX]


KILLED = """
import os, signal, sys
from pathlib import Path
from lfrd.certificates import keeping
from lfrd.certificates.names import parse

place, step = Path(sys.argv[1]), sys.argv[2]
real = getattr(os, step)

def die(*arguments, **more):
    os.kill(os.getpid(), signal.SIGKILL)

if step == "write":
    real_fdopen = os.fdopen
    def half(descriptor, mode):
        os.write(descriptor, b"-----BEGIN PRIV")
        die()
    os.fdopen = half
else:
    setattr(os, step, die)
keeping.renew(place, parse(["box7", "127.0.0.1"]), 1790000000.0, authority=True)
"""


@pytest.mark.parametrize("step", ["open", "write", "fsync", "replace"])
def test_killed_at_any_moment_the_folder_holds_a_pair_that_fits(folder: Path, step: str) -> None:
    ensure(folder, NAMES, NOW)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(folder), step],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == -9
    found = ensure(folder, NAMES, NOW)
    assert found.authority.signed(found.box.certificate)


# ---- on demand --------------------------------------------------------------------------------------------


def test_a_renewal_on_demand_keeps_the_authority(folder: Path) -> None:
    first = ensure(folder, NAMES, NOW)
    found = renew(folder, NAMES, NOW + 1)
    assert whys(found) == ["renewed"]
    assert found.digest == first.digest
    assert found.box.digest != first.box.digest
    assert ensure(folder, NAMES, NOW + 2).box.digest == found.box.digest


def test_a_new_authority_on_demand_takes_the_names_of_today(folder: Path) -> None:
    first = ensure(folder, NAMES, NOW)
    found = renew(folder, parse(["renamed.example", "127.0.0.1"]), NOW + 1, authority=True)
    assert found.digest != first.digest
    assert found.authority.permits("renamed.example")
    assert not found.authority.permits("box7")
    assert [type(body) for body in found.made] == [AuthorityMade, CertificateMade]
    again = read_authority(folder)
    assert again is not None
    assert again.digest == found.digest


def test_a_damaged_authority_is_replaced_on_demand_alone(folder: Path) -> None:
    ensure(folder, NAMES, NOW)
    (folder / AUTHORITY).write_bytes(b"damaged")
    assert renew(folder, NAMES, NOW, authority=True).made
    assert ensure(folder, NAMES, NOW).made == ()
