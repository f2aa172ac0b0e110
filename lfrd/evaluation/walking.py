"""People of a clip in motion: the path that each walks, and how a figure appears from the camera."""

from __future__ import annotations

import math
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from lfrd.evaluation.cutout import Bust, Figure, figure
from lfrd.evaluation.scenery import FACE_METRES, PLAIN, Conditions, View, light_at
from lfrd.types import F32, U8, Box

STEP = 0.72  # metres
LEVELS = 5  # a figure is kept in so many sizes, each .7 of the one before


class Walk:
    """A path over the pavement, metres by seconds: in from one side, along a lane, out past the camera.

    enter: seconds. speed: metres a second. far, near: distance from the camera at the start and the end,
    metres. lane: -1..1, where in the view the person walks on.
    """

    def __init__(
        self,
        view: View,
        *,
        enter: float,
        speed: float,
        far: float,
        near: float,
        lane: float,
        rng: np.random.Generator,
    ) -> None:
        self.enter = enter
        self.speed = speed
        self.height = float(rng.uniform(1.6, 1.85))  # of the person, metres
        self.phase = float(rng.uniform(0, 2 * math.pi))  # of the steps
        self.light = float(rng.uniform(0, 6))  # where shade and sun lie on this way
        first, last = (float(side) for side in rng.choice((-1.0, 1.0), 2))
        out_far, out_near = (z * view.width / 2 / view.focal + 0.55 for z in (far, near))
        reach = lane * 0.5 * (near + far) / 2 * view.width / 2 / view.focal
        control = np.array(
            [
                (first * out_far, far),
                (reach * 1.2, 0.8 * far + 0.2 * near),
                (lane * 0.4 * out_near, 0.15 * far + 0.85 * near),
                (last * out_near, near),
            ]
        )
        share = np.linspace(0, 1, 200)[:, None]
        weights = ((1 - share) ** 3, 3 * share * (1 - share) ** 2, 3 * share**2 * (1 - share), share**3)
        self._points = sum(w * c for w, c in zip(weights, control, strict=True))
        steps = np.hypot(*np.diff(self._points, axis=0).T)
        self._lengths = np.concatenate(([0.0], np.cumsum(steps)))

    @property
    def seconds(self) -> float:
        return float(self._lengths[-1]) / self.speed

    def at(self, t: float) -> tuple[float, float] | None:
        """x and z in metres; None before the walk and after it."""
        gone = (t - self.enter) * self.speed
        if not 0 <= gone <= self._lengths[-1]:
            return None
        x, z = (float(np.interp(gone, self._lengths, self._points[:, axis])) for axis in (0, 1))
        return x, z

    def step(self, t: float) -> float:
        """The phase of the walk, radians: one turn for two steps."""
        return self.phase + math.pi * (t - self.enter) * self.speed / STEP


class Actor:
    """A figure on its walk; made when it is first seen, so that long clips hold only who is in view."""

    def __init__(
        self, cut: Bust, walk: Walk, rng: np.random.Generator, conditions: Conditions = PLAIN
    ) -> None:
        self.walk = walk
        self._conditions = conditions
        self._cut = cut
        self._rng = rng
        self._sizes: list[tuple[float, U8]] = []  # the same figure, smaller and smaller

    def _dress(self) -> None:
        made = figure(self._cut, self._rng)
        self._trousers = made.trousers
        self._face = made.face
        self._sizes = _sizes(made)
        most = self._conditions.side_light
        self._side_light = float(self._rng.uniform(-most, most))  # how much brighter its right side is

    def rest(self) -> None:
        """Let go of the figure, after the walk."""
        self._sizes = []

    def draw(
        self, frame: U8, view: View, t: float, shutter: float, owner: NDArray[np.uint16], mark: int
    ) -> Box | None:
        """Draw the person as seen at `t` over the frame; None while not on the walk. The face's box.

        shutter: seconds from frame to frame. owner: [height, width], set to `mark` where the person covers.
        """
        place = self.walk.at(t)
        if place is None:
            return None
        if not self._sizes:
            self._dress()
        centre, width, turn = self._pose(view, t, place)
        before = self.walk.at(t - 0.02)
        motion = (0.0, 0.0)
        if before is not None:
            earlier, _, _ = self._pose(view, t - 0.02, before)
            open_for = shutter * self._conditions.shutter / 0.02
            motion = (centre[0] - earlier[0]) * open_for, (centre[1] - earlier[1]) * open_for
        scale = width / self._face.width
        down = (self._sizes[0][1].shape[0] - self._face.centre[1]) * scale
        lean = math.radians(turn)
        hip = centre[0] + down * math.sin(lean), centre[1] + down * math.cos(lean)
        self._draw_legs(frame, view, t, place, hip, owner, mark)
        self._draw_figure(frame, view, place, centre, scale, turn, motion, owner, mark)
        height = self._face.height * scale
        return Box(centre[0] - width / 2, centre[1] - height / 2, width, height)

    def _pose(
        self, view: View, t: float, place: tuple[float, float]
    ) -> tuple[tuple[float, float], float, float]:
        """The face's centre and width in pixels, and the figure's lean in degrees."""
        x, z = place
        step = self.walk.step(t)
        sway, bob = 0.018 * math.sin(step), 0.02 * math.cos(2 * step)
        at = view.at(x + sway, self.walk.height - 0.11 + bob, z)
        return at, view.face_pixels(z), 2.0 * math.sin(step + 0.4)

    def _draw_figure(
        self,
        frame: U8,
        view: View,
        place: tuple[float, float],
        centre: tuple[float, float],
        scale: float,
        turn: float,
        motion: tuple[float, float],
        owner: NDArray[np.uint16],
        mark: int,
    ) -> None:
        share, pixels = next((s for s in reversed(self._sizes) if s[0] >= scale), self._sizes[0])
        matrix = cv2.getRotationMatrix2D((0.0, 0.0), turn, scale / share)
        fx, fy = (value * share for value in self._face.centre)
        matrix[:, 2] = np.array(centre) - matrix[:, :2] @ (fx, fy)
        h, w = pixels.shape[:2]
        corners = matrix @ np.array([(0, 0, 1), (w, 0, 1), (0, h, 1), (w, h, 1)], np.float64).T
        low = np.maximum(np.floor(corners.min(axis=1)).astype(int) - 8, 0)
        high = np.minimum(np.ceil(corners.max(axis=1)).astype(int) + 8, (frame.shape[1], frame.shape[0]))
        if (high <= low).any():
            return
        matrix[:, 2] -= low
        drawn = cast(U8, cv2.warpAffine(pixels, matrix, tuple(int(side) for side in high - low)))
        drawn = _moved(drawn, motion)
        across = np.linspace(-0.5, 0.5, drawn.shape[1], dtype=np.float32)
        lit = self._light(view, place, int(low[0]), len(across)) * (1 + self._side_light * across)
        _blend(frame[low[1] : high[1], low[0] : high[0]], drawn, lit.astype(np.float32))
        owner[low[1] : high[1], low[0] : high[0]][drawn[..., 3] > 127] = mark

    def _light(self, view: View, place: tuple[float, float], left: int, width: int) -> F32 | float:
        """The light on a person, or on each of `width` columns of the picture from `left` on."""
        shade = self._conditions.shade
        if shade is None:
            return light_at(*place, self.walk.light)
        columns = np.arange(left, left + width, dtype=np.float64)
        x = np.asarray((columns - view.width / 2) * (place[1] / view.focal), np.float64)
        return shade.at(x, np.full(width, place[1])).astype(np.float32)

    def _draw_legs(
        self,
        frame: U8,
        view: View,
        t: float,
        place: tuple[float, float],
        hip: tuple[float, float],
        owner: NDArray[np.uint16],
        mark: int,
    ) -> None:
        x, z = place
        metre = view.face_pixels(z) / FACE_METRES
        foot = view.at(x, 0.0, z)
        if hip[1] >= view.height:
            return
        _shadow(frame, foot, metre)
        for side in (-1, 1):
            swing = side * math.sin(self.walk.step(t))
            top = hip[0] + side * 0.075 * metre
            end = foot[0] + (side * 0.08 + 0.02 * swing) * metre, foot[1] - max(0.0, 0.16 * swing) * metre
            outline = [
                (top - 0.08 * metre, hip[1] - 0.12 * metre),
                (top + 0.08 * metre, hip[1] - 0.12 * metre),
                (end[0] + 0.06 * metre, end[1]),
                (end[0] - 0.06 * metre, end[1]),
            ]
            points = np.array(outline, np.float32).round().astype(np.int32)
            shade = 1.0 if swing < 0 else 0.8
            cv2.fillConvexPoly(frame, points, tuple(shade * c for c in self._trousers), cv2.LINE_AA)
            cv2.fillConvexPoly(owner, points, mark)


def _sizes(made: Figure) -> list[tuple[float, U8]]:
    """(scale, uint8 [h, w, 4]) from the full size down: a figure far off is not drawn from all its pixels."""
    pixels: F32 = made.pixels * np.array([1, 1, 1, 255], np.float32)
    sizes = []
    for level in range(LEVELS):
        scale = 0.7**level
        side = max(4, round(pixels.shape[1] * scale)), max(4, round(pixels.shape[0] * scale))
        small = cv2.resize(pixels, side, interpolation=cv2.INTER_AREA) if level else pixels
        sizes.append((scale, np.clip(np.rint(small), 0, 255).astype(np.uint8)))
    return sizes


def _blend(part: U8, drawn: U8, lit: F32) -> None:
    """Lay a figure over a part of the frame. drawn: [h, w, 4], colours times opacity. lit: [w].

    Rows are handled as 3 w numbers: three times as fast as an array of colours.
    """
    h, w = drawn.shape[:2]
    colours = cv2.cvtColor(drawn, cv2.COLOR_BGRA2BGR).reshape(h, 3 * w) * np.repeat(lit, 3)
    clear = 1 - cv2.extractChannel(drawn, 3).astype(np.float32) * np.float32(1 / 255)
    behind = cv2.cvtColor(clear, cv2.COLOR_GRAY2BGR).reshape(h, 3 * w) * part.reshape(h, 3 * w)
    part[:] = np.minimum(colours + behind, 255).astype(np.uint8).reshape(h, w, 3)


def _shadow(frame: U8, foot: tuple[float, float], metre: float) -> None:
    """Darken the ground about the feet, softly; metre: pixels."""
    rx, ry = 0.3 * metre, 0.06 * metre
    x0, x1 = max(0, round(foot[0] - rx)), min(frame.shape[1], round(foot[0] + rx))
    y0, y1 = max(0, round(foot[1] - ry)), min(frame.shape[0], round(foot[1] + ry))
    if x0 >= x1 or y0 >= y1:
        return
    rows, columns = np.ogrid[y0:y1, x0:x1]
    away = ((columns - foot[0]) / rx) ** 2 + ((rows - foot[1]) / ry) ** 2
    dark = 1 - 0.5 * np.clip(1 - away, 0, 1)[..., None]
    frame[y0:y1, x0:x1] = (frame[y0:y1, x0:x1] * dark).astype(np.uint8)


def _moved(drawn: U8, motion: tuple[float, float]) -> U8:
    """Blurred along its movement, given in pixels while the shutter is open."""
    length = math.hypot(*motion)
    if length < 1:
        return drawn
    side = 2 * math.ceil(length / 2) + 1
    middle = side // 2
    kernel = np.zeros((side, side), np.float32)
    for share in np.linspace(-0.5, 0.5, 4 * side):
        kernel[round(middle + motion[1] * share), round(middle + motion[0] * share)] += 1
    return cast(U8, cv2.filter2D(drawn, -1, kernel / kernel.sum()))
