"""What a runtime's own exceptions mean to whoever has to put it right: one line, which names the file."""

from __future__ import annotations

from pathlib import Path

from lfrd.errors import CorruptError


def not_loaded(path: Path, runtime: str, error: Exception) -> CorruptError:
    """The file is no network that the runtime can read."""
    return CorruptError(path, f"{runtime} cannot load it ({_first_line(error)})")


def not_run(path: Path, error: Exception) -> CorruptError:
    """The network refuses its input: the manifest describes another one."""
    return CorruptError(path, f"does not run ({_first_line(error)}); `lfrd models verify` checks the pack")


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
