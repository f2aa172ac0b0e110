"""Ports for servers that a test starts later, or again and again, at one address."""

from __future__ import annotations

import random
import socket

_OURS = range(10_000, 32_768)
"""Below those that systems give out by themselves (Linux from 32768 on): while a server is away, nobody's
connection gets its port, and who knocks at a dead one does not, by chance, reach themselves."""


def free_port() -> int:
    """One on which nobody listens now."""
    chance = random.SystemRandom()  # tests run side by side, and some with a seed of their own
    while True:
        port = chance.choice(_OURS)
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue
