"""`--config` of the laboratory: how a box computes and judges, and nothing else of its settings."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from lfrd.commands.shared import adjusted, settings_in
from lfrd.config import Analysis, Config, Inference, Tracking
from lfrd.errors import MissingError, SettingError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(
        '[site]\nname = "Van 3"\n[inference]\nprovider = "openvino"\nprecision = "bfloat16"\n'
        "[analysis]\nrate = 5.0\nmax_side = 800\n[tracking]\nshots = 4\n[decision]\nthreshold = 0.7\n"
    )
    return path


def test_a_file_decides_how_is_computed_and_judged_and_nothing_else(file: Path) -> None:
    taken = settings_in(file)
    assert taken.inference == Inference(provider="openvino", precision="bfloat16")
    assert (taken.analysis, taken.tracking) == (Analysis(rate=5.0, max_side=800), Tracking(shots=4))
    assert taken.decision.threshold == 0.7
    assert taken.site == Config().site


def test_without_a_file_the_defaults_hold() -> None:
    assert settings_in(None) == adjusted() == Config()


def test_an_option_stands_above_the_file(file: Path) -> None:
    taken = adjusted(file, rate=12.5, max_side=640, threshold=0.6)
    assert (taken.analysis.rate, taken.analysis.max_side, taken.decision.threshold) == (12.5, 640, 0.6)
    assert taken.inference.precision == "bfloat16"


def test_a_rate_asked_for_is_not_overruled_by_a_score_in_the_file(file: Path) -> None:
    taken = adjusted(file, fpir=0.01)
    assert (taken.decision.fpir, taken.decision.threshold) == (0.01, None)


def test_what_is_wrong_is_said_of_the_file_or_of_the_option(file: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"gone\.toml: no such file"):
        settings_in(tmp_path / "gone.toml")
    with pytest.raises(typer.BadParameter, match=r"must be at most 0\.5"):
        adjusted(file, fpir=0.9)
    file.write_text('[inference]\nprecision = "half"\n')
    with pytest.raises(SettingError, match="must be one of float32, bfloat16"):
        settings_in(file)
