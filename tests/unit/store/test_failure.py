from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from lfrd.errors import StoreError
from lfrd.store.failure import explain, in_words

PATH = Path("/var/lib/lfrd/lfrd.sqlite3")


def failure(code: int, name: str) -> sqlite3.Error:
    error = sqlite3.OperationalError("what SQLite says")
    error.sqlite_errorcode = code
    error.sqlite_errorname = name
    return error


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (sqlite3.SQLITE_FULL, "no room left on its disk"),
        (sqlite3.SQLITE_CORRUPT, "damaged"),
        (sqlite3.SQLITE_NOTADB, "damaged"),
        (sqlite3.SQLITE_BUSY, "another program holds the database"),
        (sqlite3.SQLITE_READONLY, "cannot be opened for writing"),
        (sqlite3.SQLITE_CANTOPEN, "cannot be opened for writing"),
        (sqlite3.SQLITE_CORRUPT | 3 << 8, "damaged"),
    ],
)
def test_each_kind_of_failure_says_what_where_and_what_to_do(code: int, words: str) -> None:
    message = explain(failure(code, "SQLITE_SOMETHING"), PATH, 0)
    assert message is not None
    assert message.startswith(f"{PATH}: ")
    assert words in message
    assert "\n" not in message


def test_an_input_or_output_error_on_a_disk_with_room_names_the_error(tmp_path: Path) -> None:
    error = failure(sqlite3.SQLITE_IOERR | 3 << 8, "SQLITE_IOERR_WRITE")
    assert "SQLITE_IOERR_WRITE" in (explain(error, tmp_path / "x", 0) or "")


def test_an_input_or_output_error_on_a_disk_without_room_is_a_full_disk(tmp_path: Path) -> None:
    error = failure(sqlite3.SQLITE_IOERR | 3 << 8, "SQLITE_IOERR_WRITE")
    assert "no room left" in (explain(error, tmp_path / "x", 1 << 60) or "")


def test_a_full_disk_says_how_much_is_needed_rounded_up(tmp_path: Path) -> None:
    full = failure(sqlite3.SQLITE_FULL, "SQLITE_FULL")
    assert "(about 2 KiB needed; " in (explain(full, tmp_path / "x", 1025) or "")
    assert "(about 11 MiB needed; " in (explain(full, tmp_path / "x", (10 << 20) + 1) or "")


def test_a_wrong_statement_goes_through_as_it_is(tmp_path: Path) -> None:
    db = sqlite3.connect(":memory:")
    with pytest.raises(sqlite3.OperationalError, match="no such table"), in_words(tmp_path / "x"):
        db.execute("SELECT * FROM nowhere")
    db.close()


def test_the_cause_is_kept_for_the_log(tmp_path: Path) -> None:
    cause = failure(sqlite3.SQLITE_FULL, "SQLITE_FULL")
    with pytest.raises(StoreError) as caught, in_words(tmp_path / "x"):
        raise cause
    assert caught.value.__cause__ is cause
