"""The watchlist as one matrix in memory: exact search, revisions, and erasure in place.

Exact at every size: every template is compared, in blocks that fit the cache. docs/search.md has the
measurements and what was rejected.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from lfrd.types import F32, Candidate, NominalId

PRODUCT = 2**18
"""Most multiply-adds in one BLAS call. OpenBLAS 0.3 computes up to 65,536 x 4 of them in the calling thread
(SMP_THRESHOLD_MIN, GEMM_MULTITHREAD_THRESHOLD). Above that it wakes a pool of its own, whose threads spin
after each product: measured, 45 ms of processor time stolen from inference for a search of 2 ms."""

BLOCK = 2**17
"""Most numbers of the matrix in one BLAS call: 512 KiB, which stays in a core's second-level cache."""

QUERIES = 16
"""Most queries in one BLAS call, so that a block keeps enough rows to be worth the call."""


class Gallery:
    """One revision of the watchlist: each nominal's templates, never changed, only wiped.

    `templates` maps each nominal to float32 [pictures, dim]; rows are copied and brought to length 1, so the
    caller may wipe its own. Safe to search from several threads at once. Raises ValueError where a nominal
    has no template, a wrong dimension, or a template without length.
    """

    def __init__(self, templates: Mapping[NominalId, F32], *, dim: int, revision: int = 1) -> None:
        if dim < 1:
            raise ValueError(f"dim must be at least 1, not {dim}")
        self.dim = dim
        self.revision = revision
        self._nominals: tuple[NominalId, ...] = tuple(templates)
        self._place = {nominal: i for i, nominal in enumerate(self._nominals)}  # nominal -> its position
        counts = []
        for nominal, rows in templates.items():
            if rows.ndim != 2 or rows.shape[1] != dim or not len(rows):
                raise ValueError(f"nominal '{nominal}': templates of shape {rows.shape}, wanted [1.., {dim}]")
            counts.append(len(rows))
        # Rows of one nominal stand together: those of nominal i are _starts[i] to _starts[i + 1].
        self._starts: NDArray[np.intp] = np.concatenate(([0], np.cumsum(counts, dtype=np.intp)))
        self._owner: NDArray[np.int32] = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
        self._rows: F32 = np.empty((int(self._starts[-1]), dim), np.float32)
        for i, rows in enumerate(templates.values()):
            length = np.sqrt(np.vecdot(rows, rows))[:, None]  # no copy of the templates is left behind
            if not np.isfinite(length).all() or (length < 1e-12).any():
                self._rows.fill(0)
                raise ValueError(f"nominal '{self._nominals[i]}': a template has no length")
            np.divide(
                rows, length, out=self._rows[self._starts[i] : self._starts[i + 1]], casting="same_kind"
            )
        self._wiped = False

    def __len__(self) -> int:
        """How many nominals are listed: the N of an FPIR."""
        return len(self._nominals)

    @property
    def pictures(self) -> int:
        """How many templates are compared with each query."""
        return len(self._rows)

    @property
    def nominals(self) -> tuple[NominalId, ...]:
        return self._nominals

    def __contains__(self, nominal: object) -> bool:
        return nominal in self._place

    def search(self, queries: F32, count: int = 2) -> list[list[Candidate]]:
        """For each query the `count` nearest nominals, nearest first; fewer where fewer are listed.

        queries: float32 [q, dim], rows of length 1. A nominal's score is the best over its pictures. Equal
        scores keep the order of the list. Raises ValueError for a wrong shape, a query that is not finite,
        or a gallery that was wiped.
        """
        self._check(queries)
        if count < 1:
            raise ValueError(f"count must be at least 1, not {count}")
        scores = self._compare(queries)
        answers = []
        for row in scores:
            candidates = []
            for _ in range(min(count, len(self._nominals))):
                # Taking the best and striking out its nominal, `count` times over, passes through the scores
                # at memory speed; a sort or a maximum by nominal costs tens of times more.
                best = int(row.argmax())
                place = int(self._owner[best])
                candidates.append(Candidate(self._nominals[place], float(row[best])))
                row[self._starts[place] : self._starts[place + 1]] = -np.inf
            answers.append(candidates)
        return answers

    def scores(self, queries: F32, nominal: NominalId) -> F32:
        """Each query's best score over this nominal's pictures, float32 [q]. KeyError where not listed."""
        self._check(queries)
        place = self._place[nominal]
        rows = self._rows[self._starts[place] : self._starts[place + 1]]
        best: F32 = np.max(rows @ queries.T, axis=0)
        return best

    def lookalikes(self, score: float, limit: int = 1000) -> list[tuple[NominalId, NominalId, float]]:
        """Pairs of nominals whose best pictures score `score` or more against each other, highest first.

        Kin, doubles, and one person listed twice. At most `limit` pairs, the highest ones.
        """
        pairs: dict[tuple[int, int], float] = {}
        for first in range(0, len(self._rows), QUERIES):
            self._check(self._rows[first : first + QUERIES])
            # Only rows from here on: a pair is met once. A nominal's own pictures are left out.
            found = self._compare(self._rows[first : first + QUERIES], first)
            for i, j in np.argwhere(found >= score):
                a, b = int(self._owner[first + i]), int(self._owner[first + j])
                if a < b:
                    pairs[a, b] = max(pairs.get((a, b), -1.0), float(found[i, j]))
            if len(pairs) > 2 * limit:
                pairs = dict(sorted(pairs.items(), key=lambda pair: -pair[1])[:limit])
        best = sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0]))[:limit]
        return [(self._nominals[a], self._nominals[b], value) for (a, b), value in best]

    def wipe(self) -> None:
        """Overwrite every template in place. Searching afterwards is an error, never an empty answer."""
        self._wiped = True
        self._rows.fill(0)

    @property
    def is_wiped(self) -> bool:
        return self._wiped

    def _check(self, queries: F32) -> None:
        if self._wiped:
            raise ValueError(f"revision {self.revision} of the gallery has been wiped")
        if queries.ndim != 2 or queries.shape[1] != self.dim:
            raise ValueError(f"queries of shape {queries.shape}, wanted [q, {self.dim}]")
        if not np.isfinite(queries).all():
            raise ValueError("a query is not finite")

    def _compare(self, queries: F32, first: int = 0) -> F32:
        """Every query with every row from `first` on: float32 [q, rows]."""
        rows = self._rows[first:]
        scores: F32 = np.empty((len(queries), len(rows)), np.float32)
        for q in range(0, len(queries), QUERIES):
            some = np.ascontiguousarray(queries[q : q + QUERIES], np.float32).T
            step = rows_at_once(self.dim, some.shape[1])
            for r in range(0, len(rows), step):
                scores[q : q + QUERIES, r : r + step] = (rows[r : r + step] @ some).T
        return scores

    def __repr__(self) -> str:
        return "Gallery(**********)"

    def __reduce__(self) -> str:
        raise TypeError("a gallery is never pickled: it holds people's biometrics")


def rows_at_once(dim: int, queries: int) -> int:
    """How many rows of the matrix go into one BLAS call."""
    return max(1, min(BLOCK // dim, PRODUCT // (dim * queries)))


class GalleryHolder:
    """The revision in force. A search in flight keeps the one it began with; each is wiped after its last.

    Use `with holder.lease() as gallery` around everything that must see one revision, from any thread.
    """

    def __init__(self, gallery: Gallery) -> None:
        self._lock = threading.Lock()  # guards the fields below, held for a few instructions only
        self._current: Gallery | None = gallery
        self._leases: dict[int, int] = {}  # revision -> searches in flight
        self._retired: dict[int, Gallery] = {}  # replaced, and still searched by someone

    @property
    def current(self) -> Gallery:
        """The newest revision, for its figures. To search, lease it. ValueError after `close`."""
        gallery = self._current
        if gallery is None:
            raise ValueError("the gallery has been closed")
        return gallery

    @contextlib.contextmanager
    def lease(self) -> Iterator[Gallery]:
        """The newest revision, unwiped for as long as the block lasts."""
        with self._lock:
            gallery = self.current
            self._leases[gallery.revision] = self._leases.get(gallery.revision, 0) + 1
        try:
            yield gallery
        finally:
            with self._lock:
                left = self._leases.pop(gallery.revision) - 1
                if left:
                    self._leases[gallery.revision] = left
                last = None if left else self._retired.pop(gallery.revision, None)
            if last is not None:
                last.wipe()

    def replace(self, gallery: Gallery) -> None:
        """Put the next revision in force; its number must be higher. The old one is wiped when unused."""
        with self._lock:
            if gallery.revision <= self.current.revision:
                raise ValueError(f"revision {gallery.revision} does not follow {self.current.revision}")
            idle = self._retire(gallery)
        if idle is not None:
            idle.wipe()

    def close(self) -> None:
        """Wipe the newest revision as soon as nobody searches it. Safe to call twice."""
        with self._lock:
            idle = self._retire(None)
        if idle is not None:
            idle.wipe()

    def _retire(self, successor: Gallery | None) -> Gallery | None:
        """Swap; the old revision where it may be wiped at once. Called under the lock."""
        old, self._current = self._current, successor
        if old is not None and old.revision in self._leases:
            self._retired[old.revision] = old
            return None
        return old

    @property
    def unwiped(self) -> int:
        """How many revisions still hold templates: 1 in rest, more only while an old one is searched."""
        with self._lock:
            return len(self._retired) + (self._current is not None)

    def search(self, queries: F32, count: int = 2) -> list[list[Candidate]]:
        with self.lease() as gallery:
            return gallery.search(queries, count)

    def scores(self, queries: F32, nominal: NominalId) -> F32:
        with self.lease() as gallery:
            return gallery.scores(queries, nominal)
