"""Writes the config.toml that explains itself; a test keeps the repository's equal to it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from lfrd.config.reading import bare
from lfrd.config.tables import Camera, Config


def settings(kind: type[Struct] = Config) -> Iterator[tuple[str, Any, str]]:
    """(name, default or msgspec.NODEFAULT, help) of each setting of one table, in order."""
    hints = get_type_hints(kind, include_extras=True)
    for field in msgspec.structs.fields(kind):
        hint = hints[field.name]
        help_text = next((m.description for m in getattr(hint, "__metadata__", ()) if m.description), "")
        default = field.default
        if default is msgspec.NODEFAULT and field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        yield field.name, default, help_text


def commented() -> str:
    """config.toml with every setting at its default, commented out, and explained."""
    lines = [
        "# lfrd's settings. Each line that is commented out shows the default.",
        "# `lfrd config` prints this file; `lfrd run --config FILE` reads one.",
    ]
    for name, default, help_text in settings(Config):
        if name == "cameras":
            lines += ["", f"# {help_text}", "# [[cameras]]"]
            lines += _table(Camera)
            continue
        lines += ["", f"# {help_text}", f"[{name}]", *_table(type(default))]
    return "\n".join(lines) + "\n"


def _table(kind: type[Struct]) -> Iterator[str]:
    for name, default, help_text in settings(kind):
        example = {"name": "High Street 1", "source": "rtsp://camera.example/stream"}.get(name)
        hints = get_type_hints(kind, include_extras=True)
        choices = bare(hints[name])
        if get_origin(choices) is Literal:
            help_text += f" One of: {', '.join(get_args(choices))}."
        yield from (f"# {line}" for line in textwrap.wrap(help_text, 100))
        if default is None:
            yield f"# {name} ="
        elif default is msgspec.NODEFAULT:
            yield f'# {name} = "{example}"'
        else:
            yield f"# {name} = {msgspec.json.encode(default).decode()}"
