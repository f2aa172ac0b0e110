"""The line that names the machine."""

from __future__ import annotations

from lfrd.evaluation.machine import machine


def test_the_machine_is_named_beside_the_figures() -> None:
    assert "numpy" in machine()
    assert "\n" not in machine()
