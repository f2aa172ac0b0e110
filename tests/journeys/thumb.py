"""An officer's thumb: the page in a browser that is emulated as a phone with a touch screen."""

from __future__ import annotations

from playwright.async_api import Browser

from tests.journeys.officer_page import Phone

COUNTING = """
(() => {
  // What comes over the WebSocket, noted before the page sees it, and what the page receipts.
  const told = [], receipts = [];
  const Plain = globalThis.WebSocket;
  globalThis.WebSocket = class extends Plain {
    constructor(...address) {
      super(...address);
      this.addEventListener("message", ({ data }) => {
        const message = JSON.parse(data);
        if (message.type === "event") told.push(message.seq);
      });
    }
    send(text) {
      const message = JSON.parse(text);
      if (message.type === "receipt") receipts.push(message.seq);
      super.send(text);
    }
  };
  globalThis.lfrdTest = { told, receipts };
})();
"""


class Thumb(Phone):
    """Taps where `Phone` clicks."""

    async def press(self, name: str) -> None:
        await self.button(name).tap()

    async def alerts(self) -> list[str]:
        """The texts of the entries of the ready screen's list, newest first."""
        return await self.page.locator(".entries li").all_inner_texts()

    async def receipts(self) -> list[int]:
        """The numbers that the page has receipted, in order, over all its connections since it was loaded."""
        found: list[int] = await self.page.evaluate("lfrdTest.receipts")
        return found


async def thumb(browser: Browser, invitation: str, name: str) -> Thumb:
    """A phone that has joined and stands on post."""
    context = await browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, device_scale_factor=2
    )
    await context.add_init_script(COUNTING)
    phone = Thumb(await context.new_page())
    await phone.join(invitation, name)
    await phone.press("Go on post")
    await phone.reads("You are on post")
    return phone
