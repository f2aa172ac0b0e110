"""Whose processor time it was: decoders', workers', the event loop's."""

from __future__ import annotations

import hashlib
import threading
import time

from lfrd.bench.thread_times import ThreadTimes


def work(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        hashlib.pbkdf2_hmac("sha256", b"", b"", 1000)


def test_each_thread_counts_for_its_kind_also_when_it_has_ended() -> None:
    times = ThreadTimes()
    counted, over = threading.Event(), threading.Event()

    def worker() -> None:
        work(0.2)
        counted.set()
        over.wait()

    threads = [
        threading.Thread(target=worker, name="worker 1"),
        threading.Thread(target=work, args=(0.01,), name="capture Street 1"),
    ]
    for thread in threads:
        thread.start()
    counted.wait()
    times.take()
    over.set()
    for thread in threads:
        thread.join()
    work(0.1)
    times.take()
    taken = times.seconds()
    assert set(taken) == {"decoders", "workers", "event loop", "others"}
    assert 0.2 <= taken["workers"] < taken["workers"] + taken["event loop"]
    assert taken["event loop"] >= 0.1


def test_what_was_done_before_it_was_made_does_not_count() -> None:
    work(0.3)
    times = ThreadTimes()
    times.take()
    assert times.seconds()["event loop"] < 0.2
