"""What `lfrd demo` says to whoever started it."""

from __future__ import annotations

import pytest

from lfrd.commands.demonstration import demo_in_words
from lfrd.demo import Lendable, Serving

WALKS_BY = "wait for the person on the list to walk by"


def told(capsys: pytest.CaptureFixture[str], *news: Serving | Lendable) -> str:
    for each in news:
        demo_in_words(each)
    return capsys.readouterr().out


def serving(*, walks: bool) -> Serving:
    return Serving("http://127.0.0.1:8080", "http://127.0.0.1:8080/#join=example", "", [], walks)


def test_with_the_drawn_street_the_person_on_the_list_walks_by(capsys: pytest.CaptureFixture[str]) -> None:
    assert WALKS_BY in told(capsys, serving(walks=True))


@pytest.mark.parametrize("portrait", ["portrait.png", ""])
def test_with_a_webcam_nobody_walks_by_and_the_camera_is_to_be_started(
    portrait: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lendable = Lendable("http://127.0.0.1:8080/camera#join=example", ["astronaut"], portrait)
    said = told(capsys, serving(walks=False), lendable)
    assert WALKS_BY not in said
    assert "start the camera as follows" in said
    assert "Nobody walks by here: an alert comes when the camera sees" in said
    assert portrait in said
