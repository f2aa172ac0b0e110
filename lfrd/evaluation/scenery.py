"""A drawn street for clips: pavement, house fronts and posts, with uneven light. No photograph is in it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from lfrd.types import F32, F64, U8

FACE_METRES = 0.15
"""Width of a face's box on a person."""
CAMERA_HEIGHT = 1.95  # metres above the pavement

WALL = 4.2  # from the middle of the pavement to the houses on either side, metres

RENDER = ((82, 92, 132), (158, 176, 186), (128, 130, 134), (112, 138, 156), (96, 98, 104))
"""Colours of house fronts, BGR: brick, cream, grey, sandstone, slate."""


@dataclass(frozen=True, slots=True)
class View:
    """A level pinhole camera above the middle of a pavement. Metres: x to the right, z away from it."""

    width: int
    height: int

    @property
    def focal(self) -> float:
        """Pixels. A long lens, as such cameras have: at 4 m a face is 67 pixels wide in 1280."""
        return 1.4 * self.width

    @property
    def horizon(self) -> float:
        return 0.24 * self.height

    def at(self, x: float, height: float, z: float) -> tuple[float, float]:
        """Where a point appears, in pixels."""
        return self.width / 2 + self.focal * x / z, self.horizon + self.focal * (CAMERA_HEIGHT - height) / z

    def face_pixels(self, z: float) -> float:
        return self.focal * FACE_METRES / z

    def depth(self, face_pixels: float) -> float:
        return self.focal * FACE_METRES / face_pixels


@dataclass(frozen=True, slots=True)
class Shade:
    """Sun that falls between houses: bands across the pavement, the same for everybody who walks there.

    dark, bright: brightness in shade and in sun, where 1 is the portrait's own. metres: from one band of sun
    to the next. slant: radians, 0 for bands that lie straight across the way. phase: radians.
    """

    dark: float
    bright: float
    metres: float
    slant: float
    phase: float

    def at(self, x: F64, z: F64) -> F64:
        """Brightness at places on the ground, metres; the edge of a band is about 20 cm soft."""
        along = z * np.cos(self.slant) + x * np.sin(self.slant)
        wave = np.sin(along * (2 * np.pi / self.metres) + self.phase)
        return np.asarray(self.dark + (self.bright - self.dark) / (1 + np.exp(-8 * wave)), np.float64)


@dataclass(frozen=True, slots=True)
class Conditions:
    """How a clip is lit and filmed.

    shade: None for a soft light of each person's own. side_light: by how much a person's one side is brighter
    than the other, at the most, as a share. brightness: of the whole picture. shutter: the share of a frame's
    time for which it is open; .35 is 1/70 s at 25 frames a second.
    """

    shade: Shade | None = None
    side_light: float = 0.22
    brightness: float = 1.0
    shutter: float = 0.35


PLAIN = Conditions()


@dataclass(frozen=True, slots=True)
class Post:
    """A lamp post or an advertising column that people pass behind. height: of its top, metres."""

    x: float
    z: float
    height: float
    width: float = 0.09


def street(view: View, rng: np.random.Generator) -> U8:
    """The empty street, BGR uint8 [height, width, 3]."""
    w, h = view.width, view.height
    image = np.empty((h, w, 3), np.float32)
    rows = np.arange(h, dtype=np.float32)[:, None]
    sky = np.array([206, 198, 186], np.float32) - rows[..., None] * np.array([30, 26, 20], np.float32) / h
    image[:] = sky
    for side in (-1, 1):
        _fronts(image, view, side, rng)
    ground = rows[:, 0] > view.horizon
    near = np.clip((rows[ground] - view.horizon) / (h - view.horizon), 0, 1)[..., None]
    paving = np.array([118, 124, 130], np.float32) + near * np.array([22, 22, 22], np.float32)
    on_ground = np.zeros((h, w), np.uint8)
    kerb = [view.at(x, 0, z) for x, z in ((-WALL, 60), (WALL, 60), (WALL, 1.0), (-WALL, 1.0))]
    cv2.fillConvexPoly(on_ground, np.array(kerb, np.float32).round().astype(np.int32), 255)
    tiles = np.broadcast_to(paving, (int(ground.sum()), w, 3))
    image[ground] = np.where(on_ground[ground][..., None] > 0, tiles, image[ground])
    _joints(image, view)
    _blotches(image, rng)
    return cast(U8, cv2.GaussianBlur(np.clip(image, 0, 255), (0, 0), max(0.6, w / 1100)).astype(np.uint8))


def shaded(image: U8, view: View, shade: Shade) -> U8:
    """The empty street with its bands of sun and shade on the ground."""
    top = int(view.horizon) + 1
    rows, columns = np.mgrid[top : view.height, : view.width].astype(np.float64)
    z = view.focal * CAMERA_HEIGHT / (rows - view.horizon)
    x = (columns - view.width / 2) * z / view.focal
    light = np.where((np.abs(x) < WALL) & (z < 60), shade.at(x, z), 1.0)
    lit = image.copy()
    lit[top:] = np.clip(image[top:] * light[..., None], 0, 255).astype(np.uint8)
    return lit


def _fronts(image: F32, view: View, side: int, rng: np.random.Generator) -> None:
    """Houses along one side, from far to near: a wall, and rows of windows, in perspective."""
    edges = [60.0]
    while edges[-1] > 3.0:
        edges.append(edges[-1] / float(rng.uniform(1.25, 1.7)))
    for far, near in itertools.pairwise(edges):
        colour = np.array(RENDER[int(rng.integers(len(RENDER)))]) * rng.uniform(0.8, 1.15)
        tall = float(rng.uniform(6, 12))
        _panel(image, view, side, (far, near), (0.0, tall), tuple(colour))
        floors, bays = int(tall // 3), int(rng.integers(2, 5))
        glass = tuple(rng.uniform(45, 95) + rng.uniform(0, 25, 3))
        for floor in range(floors):
            low = 3.0 * floor + (0.4 if floor == 0 else 0.9)
            for bay in range(bays):
                # Depth runs harmonically: bays of one width on the wall.
                start, end = ((bay + share) / bays for share in (0.2, 0.8))
                span = near + (far - near) * end, near + (far - near) * start
                _panel(image, view, side, span, (low, low + 1.7), glass)


def _panel(
    image: F32,
    view: View,
    side: int,
    depth: tuple[float, float],
    height: tuple[float, float],
    colour: tuple[float, ...],
) -> None:
    wall = WALL * side
    corners = [
        view.at(wall, height[0], depth[0]),
        view.at(wall, height[0], depth[1]),
        view.at(wall, height[1], depth[1]),
        view.at(wall, height[1], depth[0]),
    ]
    cv2.fillConvexPoly(image, np.array(corners, np.float32).round().astype(np.int32), colour, cv2.LINE_AA)


def _joints(image: F32, view: View) -> None:
    for z in np.geomspace(1.5, 40, 30):
        _line(image, view.at(-WALL, 0, float(z)), view.at(WALL, 0, float(z)))
    for x in np.arange(-WALL, WALL + 0.1, 0.84):
        _line(image, view.at(float(x), 0, 40.0), view.at(float(x), 0, 1.5))


def _line(image: F32, start: tuple[float, float], end: tuple[float, float]) -> None:
    a, b = ((round(x), round(y)) for x, y in (start, end))
    cv2.line(image, a, b, (98, 102, 106), 1, cv2.LINE_AA)


def _blotches(image: F32, rng: np.random.Generator) -> None:
    """Dirt, wear and render: noise of four sizes, so that nothing is flat."""
    h, w = image.shape[:2]
    for cell, strength in ((4, 3.0), (12, 4.0), (40, 5.0), (160, 6.0)):
        small = rng.standard_normal((h // cell + 2, w // cell + 2), dtype=np.float32)
        image += strength * cv2.resize(small, (w, h), interpolation=cv2.INTER_CUBIC)[..., None]


def draw_post(frame: U8, view: View, post: Post, owner: NDArray[np.uint16], mark: int) -> None:
    """Draw a post over what stands behind it; `owner` [height, width] is set to `mark` under it."""
    left, foot = view.at(post.x - post.width / 2, 0.0, post.z)
    right, top = view.at(post.x + post.width / 2, post.height, post.z)
    x0, x1 = max(0, round(left)), min(view.width, round(right))
    y0, y1 = max(0, round(top)), min(view.height, round(foot))
    if x0 >= x1 or y0 >= y1:
        return
    across = (np.arange(x0, x1) - left) / max(1.0, right - left)
    light = 48 + 50 * np.exp(-(((across - 0.3) / 0.18) ** 2))
    frame[y0:y1, x0:x1] = np.repeat(light.astype(np.uint8), 3).reshape(-1, 3)
    owner[y0:y1, x0:x1] = mark


def light_at(x: float, z: float, seed: float) -> float:
    """Brightness of the light that falls on a person, about 1: shade of the houses, gaps of sun between."""
    wave = np.sin(0.9 * z + 1.3 * x + seed) * 0.6 + np.sin(0.37 * z - 0.8 * x + 2.1 * seed) * 0.4
    return float(0.95 + 0.2 * wave)
