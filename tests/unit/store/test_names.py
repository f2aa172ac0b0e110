"""Names of people: which ones are taken, and which are one and the same."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.errors import NotAllowed
from lfrd.store.names import LONGEST_NAME, clean_name, label


@pytest.mark.parametrize("name", ["", " ", "a" * 61, "a\nb", "a\u202eb", "a\u200bb", "\x00", "\ud800"])
def test_a_name_that_is_empty_long_or_does_not_print_is_refused(name: str) -> None:
    with pytest.raises(NotAllowed) as caught:
        clean_name(name)
    assert caught.value.code == "name"


@given(st.text(max_size=80))
def test_a_clean_name_prints_is_short_and_stays_as_it_is(text: str) -> None:
    try:
        name = clean_name(text)
    except NotAllowed:
        return
    assert 1 <= len(name) <= LONGEST_NAME
    assert name.isprintable()
    assert name == clean_name(name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize("twin", ["PC ADAMS", "ＰＣ Adams", "PC  Adams", " PC Adams\n"])
def test_names_that_differ_by_case_width_or_spaces_are_one_name(twin: str) -> None:
    assert label(twin) == label("PC Adams")
