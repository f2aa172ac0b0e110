"""Passwords: which ones are refused, how they are kept, and how the wait grows."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.errors import NotAllowed
from lfrd.store.passwords import (
    FREE_TRIES,
    LEAST,
    LONGEST_WAIT,
    MOST,
    MOST_TRIES,
    Passwords,
    check_strength,
    wait_after,
)


@pytest.mark.parametrize(
    "password",
    [
        *("", "elevenchars", "x" * 129, "password1234", "Password!2026", "letmeinletmein", "123456789012"),
        *("aaaaaaaaaaaa", "abcabcabcabc", "qwertyuiop[]", "qwertyuiopas", "zyxwvutsrqpo", "administrator"),
        *("pc adams and me", "PCADAMS-2026!", "live facial recognition", "correct horse battery staple"),
        "ｐａｓｓｗｏｒｄ１２３４",
    ],
)
def test_a_password_that_is_short_common_or_the_name_is_refused(password: str) -> None:
    with pytest.raises(NotAllowed) as caught:
        check_strength(password, "PC Adams")
    assert caught.value.code == "weak"


@pytest.mark.parametrize(
    "password",
    ["seven herons over Whitby", "kestrel-42-anvil", "übergrößenträger", "鷺が七羽とウィットビーの空"],
)
def test_any_words_that_are_long_enough_make_a_password(password: str) -> None:
    check_strength(password, "PC Adams")


def test_length_is_counted_in_characters() -> None:
    check_strength("é" * 3 + "kestrels on", "PC Adams")
    with pytest.raises(NotAllowed):
        check_strength("é" * 6 + "kestr", "PC Adams")
    assert LEAST == 12
    assert MOST >= 64  # SP 800-63B-4: at least 64 must be possible


@given(st.integers(0, 200))
def test_the_wait_never_shrinks_and_has_an_end_before_the_console_is_needed(failures: int) -> None:
    wait = wait_after(failures)
    assert wait <= wait_after(failures + 1)
    assert (wait == 0) == (failures < FREE_TRIES)
    assert math.isinf(wait) == (failures >= MOST_TRIES)
    assert wait <= LONGEST_WAIT or math.isinf(wait)


async def test_a_password_is_right_in_whatever_spelling_of_its_characters() -> None:
    passwords = Passwords()
    kept = await passwords.hashed("caf\u00e9 at seven herons")
    assert await passwords.verify(kept, "cafe\u0301 at seven herons")
    assert not await passwords.verify(kept, "cafe at seven herons")
    assert kept != await passwords.hashed("caf\u00e9 at seven herons")


@pytest.mark.parametrize("kept", ["", "plain text", "$argon2id$v=19$m=19456,t=2,p=1$broken", None])
async def test_what_is_no_hash_is_never_right(kept: str | None) -> None:
    assert not await Passwords().verify(kept, "plain text")
