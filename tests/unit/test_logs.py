"""Logs hold no credentials, and a log that cannot be written stops nothing."""

from __future__ import annotations

import io
import json
import logging
import sys

import pytest
import structlog

from lfrd import logs
from lfrd.config import Log


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    monkeypatch.setattr(logging, "raiseExceptions", True)


def test_an_event_is_one_line_of_json_where_nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    logs.configure(Log(level="info"))
    structlog.get_logger("test").info("camera", camera="gate", state="live")
    line = json.loads(stream.getvalue())
    assert line["event"] == "camera"
    assert line["camera"] == "gate"
    assert line["level"] == "info"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("rtsp://admin:hunter2@10.0.0.1/stream", "rtsp://***@10.0.0.1/stream"),
        ("rtsp://admin:hun/ter2@10.0.0.1/stream", "rtsp://***@10.0.0.1/stream"),
        (
            "/srv/http:/admin:hunter2@10.0.0.1/stream: no such file",
            "/srv/http:/***@10.0.0.1/stream: no such file",
        ),
        ("rtsp://10.0.0.1/stream of shift@night", "rtsp://10.0.0.1/stream of shift@night"),
    ],
)
def test_credentials_are_found_however_the_address_is_written(text: str, written: str) -> None:
    assert logs.redact(None, "error", {"event": "oops", "problem": text})["problem"] == written


@pytest.mark.parametrize("library", [False, True])
def test_what_stands_before_an_at_sign_in_an_address_is_never_written(
    monkeypatch: pytest.MonkeyPatch, library: bool
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    logs.configure(Log(level="info", format="text"))
    text = "cannot open rtsp://admin:hunter2@10.0.0.1/stream"
    if library:
        logging.getLogger("some.library").error(text)
    else:
        structlog.get_logger("test").error("oops", problem=text)
    assert "hunter2" not in stream.getvalue()
    assert "rtsp://***@10.0.0.1/stream" in stream.getvalue()


def test_a_reader_that_has_gone_loses_the_line_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(sys, "stderr", Gone())
    logs.configure(Log(level="info"))
    structlog.get_logger("test").info("alert")
    logging.getLogger("some.library").warning("oops")


def test_events_below_the_level_are_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    logs.configure(Log(level="warning"))
    structlog.get_logger("test").info("listening")
    assert stream.getvalue() == ""
