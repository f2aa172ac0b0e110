"""The service worker's list of files, held against the folder: a name too many, and nothing is installed."""

from __future__ import annotations

import re

from lfrd.web.server import static_folder

STATIC = static_folder()


def shell() -> list[str]:
    text = (STATIC / "sw.js").read_text(encoding="utf-8")
    found = re.search(r"const SHELL = \[(.*?)\]", text, re.S)
    assert found is not None
    return re.findall(r'"([^"]+)"', found.group(1))


def test_every_script_and_style_of_the_phones_page_is_kept_for_a_start_without_a_network() -> None:
    """But for what shows a live picture: there is none without a network, and the first load stays small."""
    live = {"preview.js", "preview-words.js", "preview.css"}
    ours = {path.name for path in STATIC.iterdir() if path.suffix in (".js", ".css")} - {"sw.js"}
    assert set(shell()) & ours == ours - live


def test_whatever_is_to_be_kept_is_there_and_named_once() -> None:
    names = shell()
    assert len(names) == len(set(names))
    for name in names:
        assert name == "./" or (STATIC / name).is_file(), name


def test_what_a_locked_screen_shows_holds_nothing_of_an_alert() -> None:
    """The worker is given no payload, asks the server for nothing, and has one text for all."""
    text = (STATIC / "sw.js").read_text(encoding="utf-8")
    assert "event.data" not in text
    assert "api/" not in text
    assert text.count("showNotification") == 1
