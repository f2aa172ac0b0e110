"""A figure as inline SVG: the same bytes each time, ids of its own, text as text, words to be read out."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from typing import Final
from xml.etree import ElementTree

from markupsafe import Markup

from lfrd.evaluation.report import style
from lfrd.evaluation.report.document import Figure

PHONE: Final = 3.7
"""Inches across where the page is a phone: nearly its natural size on a screen of 390 pixels."""

_SVG: Final = "{http://www.w3.org/2000/svg}"
_LINK: Final = "{http://www.w3.org/1999/xlink}href"
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_FAMILY: Final = "'DejaVu Sans'"
_FAMILIES: Final = "'DejaVu Sans', Verdana, system-ui, sans-serif"
"""Where the first is not installed, the next is as wide."""


def svg(figure: Figure, identity: str, width: float | None = None) -> Markup:
    """The figure as an <svg> element to be put into a page.

    identity: unique on the page; every id in the element begins with it. width: inches, in place of the
    figure's own, with its `phone_height`, or a height that shrinks by half as much. The figure is drawn in a
    style of its own, whatever settings of matplotlib the machine has, and leaves none behind.
    """
    root = ElementTree.fromstring(_drawn(figure, width))  # noqa: S314 - matplotlib's own, made just now
    _strip(root)
    used = set(_references(root))
    for node in root.iter():
        _rename(node, identity, used)
    view = root.attrib["viewBox"]
    root.attrib.clear()
    root.attrib.update(
        {
            "viewBox": view,
            "role": "img",
            "aria-labelledby": f"{identity}-title",
            "aria-describedby": f"{identity}-text",
            "stroke-linejoin": "round",  # matplotlib's defaults, which it gives in a style sheet for the page
            "stroke-linecap": "butt",
            "width": f"{float(view.split()[2]) / 72:g}in",
        }
    )
    for place, (name, text) in enumerate((("title", figure.caption), ("desc", figure.text))):
        said = ElementTree.Element(name, {"id": f"{identity}-{'title' if name == 'title' else 'text'}"})
        said.text = text
        root.insert(place, said)
    return Markup(ElementTree.tostring(root, encoding="unicode", short_empty_elements=False))  # noqa: S704


def _drawn(figure: Figure, width: float | None) -> bytes:
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure as Sheet

    height = figure.height
    if width is not None:
        height = figure.phone_height or height * (1 + width / figure.width) / 2
    with warnings.catch_warnings(), mpl.rc_context():
        # Of letters that its font lacks, which browsers have, and of names too long for their place.
        warnings.simplefilter("ignore", UserWarning)
        mpl.rcdefaults()
        for key, value in style.SETTINGS.items():
            mpl.rcParams[key] = value
        sheet = Sheet(figsize=(width or figure.width, height), layout="constrained")
        axes = sheet.add_subplot()
        axes.set_prop_cycle(color=style.COLOURS, linestyle=style.DASHES)
        figure.draw(axes)
        style.finish(axes)
        sheet.set_size_inches(width or figure.width, height + style.legend_height(axes))
        out = io.BytesIO()
        FigureCanvasSVG(sheet).print_figure(out, format="svg")
    return out.getvalue()


def _strip(root: ElementTree.Element) -> None:
    """Plain names, as HTML has them; without matplotlib's metadata, which hold the time and addresses, and
    without its style sheet, which would hold for the whole page."""
    for node in root.iter():
        for child in [child for child in node if child.tag in (f"{_SVG}style", f"{_SVG}metadata")]:
            node.remove(child)
        node.tag = node.tag.removeprefix(_SVG)
        if _LINK in node.attrib:
            node.attrib["href"] = node.attrib.pop(_LINK)


def _references(root: ElementTree.Element) -> Iterator[str]:
    for node in root.iter():
        for key, value in node.attrib.items():
            yield from _REFERENCE.findall(value)
            if key == "href":
                yield value.removeprefix("#")


def _rename(node: ElementTree.Element, identity: str, used: set[str]) -> None:
    for key, value in list(node.attrib.items()):
        if key == "id":
            if value in used:
                node.attrib[key] = f"{identity}-{value}"
            else:
                del node.attrib[key]
        elif key == "href":
            node.attrib[key] = f"#{identity}-{value.removeprefix('#')}"
        else:
            value = _REFERENCE.sub(rf"url(#{identity}-\1)", value)
            node.attrib[key] = value.replace(_FAMILY, _FAMILIES) if key == "style" else value
