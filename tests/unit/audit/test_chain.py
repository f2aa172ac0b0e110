from __future__ import annotations

import hashlib
import json
import struct
import tracemalloc

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from lfrd.audit import chain, kinds
from lfrd.audit.chain import Checkpoint, Record
from lfrd.audit.export import LINE_LIMIT, Broken, End, Verified, Walk, verify, write
from lfrd.sealing.signing import verify as check
from tests.unit.audit.exports import (
    NEW_KEY,
    OTHERS_KEY,
    SITE_KEY,
    STORY,
    exported,
    recorded,
    rehashed,
    signed,
)

LINES = recorded(STORY)
EXPORT = exported(LINES)
BYTES = b"".join(EXPORT)
KEY = SITE_KEY.public_key.hex()


def split(data: bytes) -> list[bytes]:
    """As a file that is read by lines gives it."""
    return data.splitlines(keepends=True) if b"\r" not in data else [p + b"\n" for p in data.split(b"\n")]


def good(lines: list[bytes], trusted: str | None = KEY, known: dict[int, str] | None = None) -> Verified:
    return verify(iter(lines), check, trusted=trusted, known=known)


def wrong(lines: list[bytes], trusted: str | None = KEY, known: dict[int, str] | None = None) -> Broken:
    """How it is refused: in one line, and with the number of the record."""
    with pytest.raises(Broken) as caught:
        verify(iter(lines), check, trusted=trusted, known=known)
    assert "\n" not in str(caught.value)
    return caught.value


def position(seq: int) -> int:
    """Where record `seq` stands among LINES."""
    return next(i for i, line in enumerate(LINES) if isinstance(line, Record) and line.seq == seq)


def test_an_export_as_it_was_written_verifies_and_says_what_it_holds() -> None:
    found = good(EXPORT)
    assert (found.site, found.records, found.checkpoints) == ("Market square", 8, 3)
    assert found.signed == 8
    assert [key.public_key for key in found.keys] == [KEY]
    assert good(EXPORT, trusted=None) == found


def test_another_programme_verifies_with_the_documented_bytes_alone() -> None:
    """docs/audit.md, and nothing of lfrd's."""
    before, records, checkpoints, seen = bytes(32), 0, 0, hashlib.sha256()
    for text in EXPORT:
        line = json.loads(text)
        if line["line"] == "record":
            data = b"lfrd audit record 1\n" + before + struct.pack(">Qd", line["seq"], line["at"])
            for name in ("actor", "what", "deployment", "body"):
                coded = line[name].encode("utf-8")
                data += struct.pack(">Q", len(coded)) + coded
            before = hashlib.sha256(data).digest()
            assert before.hex() == line["hash"]
            records += 1
        else:
            if line["line"] == "checkpoint":
                checkpoints += 1
                data = b"lfrd audit checkpoint 1\n" + struct.pack(">Qd", line["seq"], line["at"]) + before
            elif line["line"] == "end":
                data = b"lfrd audit export 1\n" + struct.pack(">QQd", records, checkpoints, line["at"])
                data += before + seen.digest()
            if line["line"] != "header":
                key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(line["public_key"]))
                key.verify(bytes.fromhex(line["signature"]), data)
        seen.update(text)
    assert (records, checkpoints) == (8, 3)


@given(st.integers(0, len(BYTES) - 1), st.integers(1, 255))
def test_any_byte_that_is_changed_is_found(place: int, change: int) -> None:
    spoilt = bytearray(BYTES)
    spoilt[place] ^= change
    wrong(split(bytes(spoilt)))


@given(st.integers(0, len(BYTES) - 1))
def test_any_byte_that_is_left_out_is_found(place: int) -> None:
    wrong(split(BYTES[:place] + BYTES[place + 1 :]))


@given(st.integers(0, len(BYTES)), st.integers(0, 255))
def test_any_byte_that_is_put_in_is_found(place: int, byte: int) -> None:
    wrong(split(BYTES[:place] + bytes([byte]) + BYTES[place:]))


def test_an_end_cut_off_at_any_byte_is_found() -> None:
    for length in range(0, len(BYTES), 7):
        wrong(split(BYTES[:length]))
    assert "the end was cut off" in str(wrong(split(BYTES[:-1])))


@given(st.data())
def test_any_lines_that_are_moved_repeated_or_left_out_are_found(data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(EXPORT) - 1))
    second = data.draw(st.integers(0, len(EXPORT) - 1))
    spoilt = list(EXPORT)
    match data.draw(st.sampled_from(["swap", "move", "repeat", "leave out"])):
        case "swap":
            spoilt[first], spoilt[second] = spoilt[second], spoilt[first]
        case "move":
            spoilt.insert(second, spoilt.pop(first))
        case "repeat":
            spoilt.insert(second, spoilt[first])
        case _:
            del spoilt[first]
    if spoilt != EXPORT:
        wrong(spoilt)


@given(st.sets(st.integers(0, len(LINES) - 1), min_size=1), st.booleans())
def test_a_forger_without_the_key_who_hashes_everything_anew_is_found(gone: set[int], own: bool) -> None:
    """Records or checkpoints taken out, all numbers, hashes and the closing statement put right; signed with
    a key of the forger's own, or with the true statement's signature."""
    kept = rehashed([line for i, line in enumerate(LINES) if i not in gone])
    if not any(isinstance(line, Record) for line in kept):
        return
    *lines, closing = exported(kept, OTHERS_KEY)
    if not own:
        true = msgspec.json.decode(EXPORT[-1], type=End)
        end = msgspec.json.decode(closing, type=End)
        closing = write(msgspec.structs.replace(end, public_key=KEY, signature=true.signature))
    wrong([*lines, closing])


def test_a_changed_record_is_named() -> None:
    place = position(5)
    record = LINES[place]
    assert isinstance(record, Record)
    spoilt = list(LINES)
    spoilt[place] = msgspec.structs.replace(record, body=record.body.replace("0.6125", "0.6126"))
    broken = wrong(exported(spoilt))
    assert broken.record == 5
    assert "it was changed" in str(broken)


def test_a_missing_record_is_named() -> None:
    broken = wrong(exported([line for i, line in enumerate(LINES) if i != position(5)]))
    assert broken.record == 5
    assert "record 6 stands in its place: it is missing or was moved" in str(broken)


def test_a_record_put_in_is_named() -> None:
    broken = wrong(exported([*LINES[: position(6)], LINES[position(3)], *LINES[position(6) :]]))
    assert broken.record == 6
    assert "record 3 stands in its place: that one was repeated or moved" in str(broken)


def test_moved_records_are_named() -> None:
    spoilt = list(LINES)
    a, b = position(5), position(6)
    spoilt[a], spoilt[b] = spoilt[b], spoilt[a]
    assert wrong(exported(spoilt)).record == 5


def test_records_changed_and_hashed_anew_fail_at_the_next_checkpoint() -> None:
    place = position(5)
    record = LINES[place]
    assert isinstance(record, Record)
    spoilt = list(LINES)
    spoilt[place] = msgspec.structs.replace(record, body=record.body.replace('"a1"', '"a2"'))
    broken = wrong(exported(rehashed(spoilt)))
    assert broken.record == 7
    assert "its checkpoint has a false signature" in str(broken)


def test_a_forged_checkpoint_is_named() -> None:
    record = LINES[position(6)]
    assert isinstance(record, Record)
    forged = signed(6, bytes.fromhex(record.hash), OTHERS_KEY)
    for checkpoint in (forged, msgspec.structs.replace(forged, public_key=KEY)):
        broken = wrong(exported([*LINES[: position(6) + 1], checkpoint, *LINES[position(7) :]]))
        assert broken.record == 6
        assert "its checkpoint" in str(broken)


def test_a_cut_tail_is_found_without_the_closing_statement() -> None:
    broken = wrong(EXPORT[:-3])
    assert "the end was cut off" in str(broken)


def test_a_cut_tail_is_found_under_the_true_closing_statement() -> None:
    broken = wrong([*EXPORT[: 1 + position(8)], EXPORT[-1]])
    assert broken.record == 8
    assert "counts 8 records, not 7" in str(broken)


def test_another_sites_export_is_found_with_the_public_key() -> None:
    theirs = exported(recorded(STORY, OTHERS_KEY), OTHERS_KEY)
    assert good(theirs, trusted=None).records == 8
    assert "another site's, or a forgery" in str(wrong(theirs))


def test_a_witness_shows_that_a_history_was_rewritten_by_the_holder_of_the_key() -> None:
    kept = good(EXPORT)
    rewritten = exported(recorded([*STORY[:3], *STORY[5:], *STORY[5:]]))
    good(rewritten)
    broken = wrong(rewritten, known={kept.records: kept.head})
    assert broken.record == 8
    assert "the history was rewritten" in str(broken)


def test_a_witness_shows_a_cut_tail_that_the_holder_of_the_key_has_signed() -> None:
    kept = good(EXPORT)
    cut = exported(LINES[: position(6)])
    good(cut)
    broken = wrong(cut, known={kept.records: kept.head})
    assert broken.record == 6
    assert "the witness knows record 8" in str(broken)


def test_a_later_export_contains_what_the_witness_knows() -> None:
    kept = good(EXPORT)
    assert good(exported(recorded([*STORY, *STORY])), known={kept.records: kept.head}).records == 15


def rotation() -> list[Record | Checkpoint]:
    return recorded([*STORY[:3], kinds.KeyRotated(NEW_KEY.public_key.hex()), *STORY[3:]])


def test_a_rotated_key_is_believed_because_the_old_one_signed_its_record() -> None:
    lines = exported(rotation(), NEW_KEY)
    for key in (SITE_KEY, NEW_KEY):
        found = good(lines, trusted=key.public_key.hex())
    assert [key.since for key in found.keys] == [1, 5]


@pytest.mark.parametrize("by", [None, NEW_KEY, OTHERS_KEY], ids=["nobody", "the new key", "another key"])
def test_a_new_key_that_the_old_one_has_not_signed_is_refused(by: object) -> None:
    lines = rotation()
    place = next(i for i, line in enumerate(lines) if isinstance(line, Checkpoint) and line.seq == 5)
    record = lines[place - 1]
    assert isinstance(record, Record)
    if by is None:
        del lines[place]
    else:
        lines[place] = signed(5, bytes.fromhex(record.hash), by)  # type: ignore[arg-type]
    assert wrong(exported(lines, NEW_KEY)).record == 5


def test_after_a_rotation_the_old_key_signs_nothing_more() -> None:
    lines = rotation()
    assert "not the site's here" in str(wrong(exported(lines, SITE_KEY)))
    last = lines[-1]
    assert isinstance(last, Record)
    late = signed(last.seq, bytes.fromhex(last.hash), SITE_KEY)
    assert wrong(exported([*lines, late], NEW_KEY)).record == last.seq


def test_a_key_that_is_only_named_and_has_signed_nothing_is_not_believed() -> None:
    """Else anybody could end a forged chain with a rotation to the true site's public key."""
    forged = recorded([*STORY, kinds.KeyRotated(KEY)], OTHERS_KEY)
    assert "not the site's here" in str(wrong(exported(forged, OTHERS_KEY)))
    walk = Walk(check)
    for line in forged:  # as in a database, which has no closing statement
        walk.record(line) if isinstance(line, Record) else walk.checkpoint(line)
    with pytest.raises(Broken, match="nothing here is signed with the key"):
        walk.finish(KEY)


def test_a_chain_that_names_no_key_is_refused() -> None:
    bare = rehashed([line for line in LINES[2:] if isinstance(line, Record)])
    assert "not the site's here" in str(wrong(exported(bare)))


def test_a_second_beginning_is_refused() -> None:
    begins = kinds.ChainBegan("Market square", "1.0", KEY)
    assert str(wrong(exported(recorded([*STORY, begins])))) == "record 9: a second beginning"


def test_a_second_checkpoint_of_a_record_is_refused() -> None:
    assert "it has a second checkpoint" in str(wrong(exported([*LINES[:2], LINES[1], *LINES[2:]])))


def test_a_record_put_behind_the_closing_statement_is_refused() -> None:
    """Its hash is right, which needs no key."""
    longer = recorded([*STORY, kinds.ListAsked(1)])
    broken = wrong([*EXPORT, write(longer[-1])])
    assert broken.record == 9
    assert "behind the closing statement" in str(broken)


def test_a_header_or_a_count_that_is_not_the_records_own_is_refused_even_when_signed() -> None:
    assert "the header names another" in str(wrong(exported(LINES, site="Station")))
    assert "counts 2 checkpoints, not 3" in str(wrong(exported(LINES, uncounted=1)))


def test_a_records_kind_and_deployment_are_those_of_its_body() -> None:
    place = position(4)
    for change in ({"what": "made_ready"}, {"deployment": "d2"}):
        record = LINES[place]
        assert isinstance(record, Record)
        spoilt = list(LINES)
        spoilt[place] = msgspec.structs.replace(record, **change)
        assert "another kind or deployment" in str(wrong(exported(rehashed(spoilt))))


def test_records_of_a_kind_that_only_a_later_lfrd_knows_verify_too() -> None:
    place = position(8)
    record = LINES[place]
    assert isinstance(record, Record)
    later = msgspec.structs.replace(
        record, what="teleported", deployment="d9", body='{"what":"teleported","deployment":"d9","to":[1]}'
    )
    good(exported(rehashed([*LINES[:place], later])))


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory() -> None:
    assert "longer than any" in str(wrong([EXPORT[0], b"x" * (LINE_LIMIT + 1)]))


def test_an_empty_file_and_a_file_of_something_else_are_refused() -> None:
    assert wrong([]).record is None
    assert "line 1" in str(wrong([b"\x89PNG\r\n"]))
    assert "line 1" in str(wrong(EXPORT[1:]))


def test_an_export_of_a_later_format_is_refused_as_that() -> None:
    later = [EXPORT[0].replace(b'"format":1', b'"format":2'), *EXPORT[1:]]
    assert "format 2" in str(wrong(later))


def test_an_export_of_any_length_is_verified_in_the_same_memory() -> None:
    def peak(records: int) -> int:
        lines = exported(recorded([kinds.ListAsked(n) for n in range(records)], every=500))
        tracemalloc.start()
        try:
            good(lines)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)  # what is made once
    assert peak(10_000) < peak(10) + 100_000


@given(st.binary(min_size=0, max_size=64), st.floats())
def test_a_record_needs_a_hash_before_it_and_a_finite_time(before: bytes, at: float) -> None:
    if len(before) != 32 or at != at or abs(at) == float("inf"):
        with pytest.raises(ValueError, match="a hash of 32 bytes"):
            chain.digest(before, 1, at, "system", "x", "", "{}")


texts = st.tuples(st.text(), st.text(), st.text(), st.text())


@given(texts, texts)
def test_no_two_records_are_hashed_from_the_same_bytes(
    one: tuple[str, str, str, str], other: tuple[str, str, str, str]
) -> None:
    """Lengths stand before texts: moving a letter from one field to the next is another record."""
    try:
        hashes = {chain.digest(chain.START, 1, 0.0, *one), chain.digest(chain.START, 1, 0.0, *other)}
    except UnicodeEncodeError:  # half a surrogate pair cannot be stored either
        return
    assert len(hashes) == len({one, other})


def test_minus_zero_is_hashed_as_the_zero_that_the_database_keeps() -> None:
    minus, plus = (chain.digest(chain.START, 1, zero, "", "", "", "") for zero in (-0.0, 0.0))
    assert minus == plus


def test_a_line_is_written_in_one_way_only() -> None:
    record = LINES[0]
    loose = json.dumps(json.loads(write(record))).encode() + b"\n"
    assert json.loads(loose) == json.loads(write(record))
    assert "not as lfrd writes it" in str(wrong([EXPORT[0], loose, *EXPORT[2:]]))
