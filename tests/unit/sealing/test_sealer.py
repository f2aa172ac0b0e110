"""What is sealed opens unchanged, in its own place, with its own key, or not at all."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.errors import SealError
from lfrd.sealing.sealer import KEY_BYTES, OVERHEAD, Sealer, wipe

KEY = bytes(range(KEY_BYTES))


@given(st.binary(max_size=300), st.text(max_size=40))
def test_what_was_sealed_opens_under_the_same_context(plain: bytes, context: str) -> None:
    sealed = Sealer(KEY).seal(plain, context)
    assert Sealer(KEY).unseal(sealed, context) == plain
    assert len(sealed) == len(plain) + OVERHEAD


@given(st.binary(max_size=40), st.data())
def test_a_flipped_bit_anywhere_does_not_open(plain: bytes, data: st.DataObject) -> None:
    sealed = bytearray(Sealer(KEY).seal(plain, "alert/1"))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SealError):
        Sealer(KEY).unseal(sealed, "alert/1")


@given(st.text(max_size=20), st.text(max_size=20))
def test_another_context_does_not_open(one: str, other: str) -> None:
    sealed = Sealer(KEY).seal(b"a face", one)
    if one != other:
        with pytest.raises(SealError, match="moved from another row"):
            Sealer(KEY).unseal(sealed, other)


def test_another_key_does_not_open() -> None:
    sealed = Sealer(KEY).seal(b"a face", "alert/1")
    with pytest.raises(SealError):
        Sealer(bytes(KEY_BYTES)).unseal(sealed, "alert/1")


@pytest.mark.parametrize("length", range(OVERHEAD))
def test_what_is_cut_short_does_not_open(length: int) -> None:
    sealed = Sealer(KEY).seal(b"", "alert/1")
    with pytest.raises(SealError, match="cut short"):
        Sealer(KEY).unseal(sealed[:length], "alert/1")


def test_the_same_bytes_are_never_sealed_to_the_same_bytes() -> None:
    sealer = Sealer(KEY)
    assert len({sealer.seal(b"a face", "alert/1") for _ in range(1000)}) == 1000


def test_a_key_may_be_wiped_as_soon_as_there_is_a_sealer() -> None:
    key = bytearray(KEY)
    sealer = Sealer(key)
    wipe(key)
    assert key == bytes(KEY_BYTES)
    assert Sealer(KEY).unseal(sealer.seal(b"a face", "alert/1"), "alert/1") == b"a face"


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes, not 16"):
        Sealer(bytes(16))


def test_a_sealer_shows_no_key_and_is_never_pickled() -> None:
    sealer = Sealer(KEY)
    assert repr(sealer) == "Sealer(**********)"
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(sealer)
