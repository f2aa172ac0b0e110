"""A look at a page in every size: what must hold in each of them, and its pictures side by side."""

from __future__ import annotations

import html
import os
from collections import defaultdict
from pathlib import Path

from playwright.async_api import BrowserContext, Page

SIZES = {"phone": (390, 844), "desk": (1440, 900)}
SCHEMES = ("light", "dark")
FOLDER = "gallery"
"""Within the folder that LFRD_SHOTS names."""

WATCHING = """
addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
  (globalThis.lfrdViolations ??= []).push(`${violatedDirective} ${blockedURI}`));
"""

SIDEWAYS = """() => {
  const wide = document.documentElement;
  if (wide.scrollWidth <= wide.clientWidth) return [];
  return [`the page is ${wide.scrollWidth} wide, the screen ${wide.clientWidth}`];
}"""

CUT = """() => {
  // Each line of text, against each ancestor that cuts off what does not fit, and against the screen's sides.
  const found = [];
  const hides = (style, axis) => ["hidden", "clip"].includes(style[`overflow${axis}`]);
  const scrolls = (style, axis) => ["auto", "scroll"].includes(style[`overflow${axis}`]);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const text = node.data.trim();
    const holder = node.parentElement;
    if (!text || !holder.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    if (holder.closest("script, style, template, noscript, option, svg")) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const lines = [...range.getClientRects()].filter(({ width, height }) => width > 1 && height > 1);
    if (!lines.length) continue;
    const box = holder.getBoundingClientRect();
    if (box.width <= 1 || box.height <= 1) continue; // for screen readers only
    let sideways = false; // something around it scrolls sideways
    let cut = "";
    for (let part = holder; part && part !== document.documentElement && !cut; part = part.parentElement) {
      const style = getComputedStyle(part);
      const edge = part.getBoundingClientRect();
      if (edge.width <= 1 || edge.height <= 1) { cut = ""; sideways = true; break; }
      if (scrolls(style, "X")) sideways = true;
      const name = `${part.tagName.toLowerCase()}.${part.className}`;
      for (const line of lines) {
        const beside = line.left < edge.left - 3 || line.right > edge.right + 3;
        if (!sideways && hides(style, "X") && beside) cut = name;
        const reach = 0.4 * line.height;
        const below = line.bottom > edge.bottom + reach || line.top < edge.top - reach;
        if (hides(style, "Y") && !scrolls(style, "Y") && below) cut = name;
      }
      if (scrolls(style, "Y")) break; // what is outside of it is scrolled to
      if (style.position === "fixed") break;
    }
    const outside = lines.some(({ left, right }) => left < -3 || right > innerWidth + 3);
    if (!cut && !sideways && outside) cut = "the screen";
    if (cut) found.push(`'${text.slice(0, 60)}' is cut by ${cut}`);
  }
  return found;
}"""

LONELY = """() => [...document.querySelectorAll("td[data-head], dd")]
  .filter((value) => value.checkVisibility() && !value.innerText.trim() && !value.querySelector("svg, img"))
  .map((value) => value.dataset.head ?? value.previousElementSibling?.innerText)
  .map((head) => `nothing stands under '${head}'`)"""

SMALL = """(least) => {
  // What a finger presses; a link within a sentence is as high as its line.
  const found = [];
  for (const part of document.querySelectorAll("button, a[href], summary, select, textarea, input")) {
    if (!part.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    if (part.closest(".unseen, [inert], label") || part.matches(".skip, #skip")) continue;
    const around = part.parentElement;
    const alone = around.innerText.trim() === part.innerText.trim();
    if (part.matches("a") && getComputedStyle(part).display === "inline" && !alone) continue;
    const pressed = part.matches("[type=checkbox], [type=radio]") ? part.labels[0] : part; // its words, too
    const { width, height } = pressed.getBoundingClientRect();
    const name = part.innerText.trim() || part.getAttribute("aria-label") || part.name || part.tagName;
    const size = `${width.toFixed()} x ${height.toFixed()}`;
    if (Math.min(width, height) < least - 0.5) found.push(`'${name}' is ${size}`);
  }
  return found;
}"""
FINGER = 44
"""CSS pixels, the least that a finger hits: WCAG 2.2, 2.5.5."""


class Gallery:
    """One browser context's looks. `faults` is what was wrong, in words; pictures are taken where LFRD_SHOTS
    names a folder."""

    def __init__(self, chapter: str) -> None:
        self.faults: list[str] = []
        self._chapter = chapter
        folder = os.environ.get("LFRD_SHOTS")
        self._folder = Path(folder) / FOLDER if folder else None
        self._page_faults: list[str] = []  # since the last look

    async def watch(self, context: BrowserContext) -> None:
        """From now on the faults of this context's pages are noted. Before they are opened."""
        await context.add_init_script(WATCHING)
        context.on("weberror", lambda error: self._page_faults.append(f"error: {error.error}"))
        context.on(
            "console",
            lambda message: (
                self._page_faults.append(f"console: {message.text}")
                if message.type == "error" and "Security" in message.text
                else None
            ),
        )

    async def look(self, page: Page, name: str) -> None:
        """The page as it stands now, in each size and light."""
        for size, (width, height) in SIZES.items():
            await page.set_viewport_size({"width": width, "height": height})
            await page.evaluate(
                "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
            )
            where = f"{self._chapter} {name}, {size}"
            for check in (SIDEWAYS, CUT, LONELY):
                self.faults += [f"{where}: {fault}" for fault in await page.evaluate(check)]
            if size == "phone":
                small = await page.evaluate(SMALL, FINGER)
                self.faults += [f"{where}: too small for a finger: {fault}" for fault in small]
            await self._take(page, name, size)
        violations = await page.evaluate("globalThis.lfrdViolations ?? []")
        self.faults += [f"{self._chapter} {name}: security policy: {fault}" for fault in violations]
        self.faults += [f"{self._chapter} {name}: {fault}" for fault in self._page_faults]
        self._page_faults.clear()

    async def _take(self, page: Page, name: str, size: str) -> None:
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        for scheme in SCHEMES:
            await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            file = f"{self._chapter}--{name}--{size}--{scheme}.png".replace("/", "-").replace(" ", "-")
            await page.screenshot(path=self._folder / file, full_page=True)
        write_sheet(self._folder)


def write_sheet(folder: Path) -> None:
    """index.html: every picture of the folder, a row for each page."""
    rows: dict[tuple[str, str], list[Path]] = defaultdict(list)
    for path in sorted(folder.glob("*--*--*--*.png")):
        chapter, name, _, _ = path.stem.split("--")
        rows[chapter, name].append(path)
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>Every page of lfrd</title>"
        "<style>body{font:16px/1.4 system-ui;margin:2rem;background:#ddd}section{margin-block:2rem}"
        "div{display:flex;flex-wrap:wrap;gap:1rem;align-items:start}figure{margin:0}"
        "img{display:block;max-block-size:30rem;max-inline-size:32rem;box-shadow:0 0 .5rem #888}</style>"
        f"<h1>Every page of lfrd: {len(rows)} screens</h1>"
    ]
    for (chapter, name), paths in rows.items():
        figures = "".join(
            f'<figure><a href="{html.escape(path.name)}"><img loading=lazy src="{html.escape(path.name)}" '
            f'alt=""></a><figcaption>{" ".join(path.stem.split("--")[2:])}</figcaption></figure>'
            for path in paths
        )
        title = html.escape(f"{chapter}: {name}")
        parts.append(f"<section><h2>{title}</h2><div>{figures}</div></section>")
    (folder / "index.html").write_text("\n".join(parts) + "\n", encoding="utf-8")
