"""Who stands on post, and so whether cameras may run: pure arithmetic on times that are passed in."""

from __future__ import annotations

from dataclasses import dataclass

SILENT = 2.5
"""A phone that has not been heard for so many heartbeats' time has missed two; the half is for its way."""
REMEMBERED_SECONDS = 600.0
"""How long after it was last heard a post that lapsed is still told of (`Posts.silences`)."""


@dataclass(slots=True)
class _Post:
    officer: str
    heard: float


class Posts:
    """Officers on post, by session.

    An officer takes a post and is heard again with each heartbeat. A phone that falls silent leaves its
    officer on post until `grace_seconds` have passed since it was last heard: Wi-Fi that drops for three
    seconds must not stop and start cameras. Leaving is immediate. After the grace a heartbeat alone does not
    bring the post back; the officer, or the phone on the officer's behalf, takes it again.

    Before that, once it has missed two heartbeats, it counts as unreachable: the others must not rely on an
    officer who may not hear of an alert.

    Every `at` is in seconds of one clock that does not go back. An instant that lies before one already seen
    counts as the latest one seen.
    """

    def __init__(self, grace_seconds: float, heartbeat_seconds: float) -> None:
        if grace_seconds <= 0 or heartbeat_seconds <= 0:
            raise ValueError(f"seconds must be above 0, not {grace_seconds} and {heartbeat_seconds}")
        self._grace = grace_seconds
        self._silence = SILENT * heartbeat_seconds  # after which a phone is unreachable
        self._posts: dict[str, _Post] = {}  # by session; lapsed long ago they are removed by the next `take`
        self._now = float("-inf")  # the latest instant seen

    def take(self, session: str, officer: str, at: float) -> None:
        """The officer stands ready from now on."""
        now = self._at(at)
        self._posts = {key: post for key, post in self._posts.items() if self._remembered(post, now)}
        self._posts[session] = _Post(officer, now)

    def heard(self, session: str, at: float) -> bool:
        """The session's heartbeat. False, and nothing changes, if it is not on post (any more)."""
        now = self._at(at)
        post = self._posts.get(session)
        if post is None or not self._lasts(post, now):
            return False
        post.heard = now
        return True

    def off(self, session: str, at: float) -> None:
        """The officer leaves the post now. A session that is not on post is left alone."""
        self._at(at)
        self._posts.pop(session, None)

    def is_on(self, session: str, at: float) -> bool:
        now = self._at(at)
        post = self._posts.get(session)
        return post is not None and self._lasts(post, now)

    def present(self, at: float) -> list[str]:
        """The officers' names, sorted; one with two phones counts once."""
        now = self._at(at)
        return sorted({post.officer for post in self._posts.values() if self._lasts(post, now)})

    def unreachable(self, at: float) -> list[str]:
        """The names of the officers on post of whom no phone has been heard lately, sorted."""
        now = self._at(at)
        heard: dict[str, float] = {}
        for post in self._posts.values():
            if self._lasts(post, now):
                heard[post.officer] = max(post.heard, heard.get(post.officer, post.heard))
        return sorted(officer for officer, last in heard.items() if now - last >= self._silence)

    def sessions(self, at: float) -> frozenset[str]:
        """The sessions on post."""
        now = self._at(at)
        return frozenset(key for key, post in self._posts.items() if self._lasts(post, now))

    def silences(self, at: float) -> dict[str, float]:
        """By session, the seconds since it was last heard: of all on post, and of those whose post has lapsed
        within `REMEMBERED_SECONDS`, not of any that has left it."""
        now = self._at(at)
        return {key: now - post.heard for key, post in self._posts.items() if self._remembered(post, now)}

    def cameras_wanted(self, at: float) -> bool:
        """Rule 3: cameras run only while at least one officer is on post."""
        now = self._at(at)
        return any(self._lasts(post, now) for post in self._posts.values())

    def next_change(self, at: float) -> float | None:
        """The instant at which the next post lapses if nobody is heard before; None where nobody is on post.

        At that very instant the post has lapsed.
        """
        now = self._at(at)
        return min(
            (post.heard + self._grace for post in self._posts.values() if self._lasts(post, now)),
            default=None,
        )

    def _lasts(self, post: _Post, now: float) -> bool:
        return now < post.heard + self._grace

    def _remembered(self, post: _Post, now: float) -> bool:
        return self._lasts(post, now) or now - post.heard < REMEMBERED_SECONDS

    def _at(self, at: float) -> float:
        self._now = max(self._now, at)
        return self._now
