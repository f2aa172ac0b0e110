"""A reason that names the person is found before the audit keeps it for good."""

from __future__ import annotations

import pytest

from lfrd.policy.naming import names

ANN = ("W-2045", "Ann Rose YOUNG-Okafor")


@pytest.mark.parametrize(
    "reason",
    [
        "w-2045 is her brother",
        "see W-2045.",
        "\uff37-2045",
        "Young absconded twice",
        "OKAFOR is known to the court",
        "it is ann rose young-okafor",
    ],
)
def test_a_reason_with_the_reference_the_name_or_a_part_of_it_names_the_person(reason: str) -> None:
    assert names(reason, [("W-1", ""), ANN])


@pytest.mark.parametrize(
    "reason",
    [
        "court order of 17 May",
        "a young person who has absconded",
        "W-20451 is another",
        "an annual review",
        "rose to the bench",
        "",
    ],
)
def test_a_reason_in_other_words_names_nobody(reason: str) -> None:
    assert not names(reason, [ANN])


def test_an_entry_without_a_name_is_named_by_its_reference_alone() -> None:
    assert not names("any reason", [("W-2045", "")])
    assert not names("page 7 of 9", [("7", "")])  # a reference that short is a number like any other
