"""What an officer is shown of a face: with its surroundings, small enough to send, and nothing left over."""

from __future__ import annotations

import cv2
import numpy as np

from lfrd.types import Box
from lfrd.vision import view
from lfrd.vision.picture import Picture


def test_a_picture_to_show_is_small_enough_to_send() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (900, 700, 3), np.uint8)
    shown = cv2.imdecode(np.frombuffer(view.jpeg(noise), np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    assert shown.shape[:2] == (view.HEIGHT, 280)


def test_what_is_small_enough_keeps_its_size_and_the_caller_s_pixels_stay() -> None:
    grey = np.full((90, 70, 3), 100, np.uint8)
    shown = cv2.imdecode(np.frombuffer(view.jpeg(grey), np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    assert shown.shape == grey.shape
    assert (grey == 100).all()


def test_a_face_is_cut_with_its_surroundings_as_far_as_the_frame_reaches() -> None:
    picture = Picture(np.zeros((200, 300, 3), np.uint8), planar=False)
    height, width = view.cut(picture, Box(100, 60, 50, 60)).shape[:2]
    assert abs(width - 50 * view.MARGIN) <= 4
    assert abs(height - 60 * view.MARGIN) <= 4
    assert view.cut(picture, Box(0, 0, 300, 200)).shape == (200, 300, 3)
