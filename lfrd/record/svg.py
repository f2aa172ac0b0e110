"""SVG by hand: elements with escaped contents, and axes with round numbers."""

from __future__ import annotations

import math

from markupsafe import Markup, escape


def element(name: str, *children: object, **attributes: object) -> Markup:
    """One element. class_ is class; underscores in other names are hyphens. No style attribute: the pages'
    content security policy allows none."""
    written = Markup("")
    for key, value in attributes.items():
        shown = f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else value
        written += Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), shown)
    inside = Markup("").join(escape(child) for child in children)
    return Markup("<{0}{1}>{2}</{0}>").format(name, written, inside)


def drawing(identity: str, title: str, text: str, width: int, height: int, *children: object) -> Markup:
    """A figure that says what it shows to those who cannot see it. identity: unique on the page."""
    return element(
        "svg",
        element("title", title, id=f"{identity}-title"),
        element("desc", text, id=f"{identity}-text"),
        *children,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {height}",
        role="img",
        class_="chart",
        aria_labelledby=f"{identity}-title {identity}-text",
    )


def label(x: float, y: float, text: str, anchor: str = "start", class_: str = "label") -> Markup:
    return element("text", text, x=x, y=y, text_anchor=anchor, class_=class_)


def rect(x: float, y: float, width: float, height: float, class_: str, title: str = "") -> Markup:
    """title: what a pointer over it shows."""
    inside = (element("title", title),) if title else ()
    return element("rect", *inside, x=x, y=y, width=width, height=height, class_=class_)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def hatch(identity: str) -> Markup:
    """Slanting lines, told from plain fill on a black and white print too."""
    stripe = element("path", d="M-1,1 l2,-2 M0,6 l6,-6 M5,7 l2,-2", class_="hatching")
    pattern = element("pattern", stripe, id=identity, width=6, height=6, patternUnits="userSpaceOnUse")
    return element("defs", pattern)


def ceiling(value: float) -> float:
    """The next round number at or above a count, 1 at the least: where an axis ends."""
    if value <= 1:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 3, 4, 6, 8, 10) if step * power >= value)
