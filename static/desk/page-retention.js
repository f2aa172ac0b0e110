// Retention: what is due for deletion, what a hold keeps, and the signed receipts of what was deleted.

import { get, post, save } from "./api.js";
import { ask, tell } from "./form.js";
import { badge, button, fill, h, heading, section, table } from "./parts.js";
import { pretty } from "./acts.js";
import { words } from "./words.js";

const text = words.retention;

export async function show(place, desk) {
  const [rules, due, holds, receipts] = [0, 1, 2, 3].map(() => h("div", {}));
  const showHolds = () => fill(holds, async () => holdTable(await get("/api/desk/holds")));

  function holdTable({ holds: list }) {
    const lift = (hold) => desk.is("authorising") && !hold.lifted_at && button(text.lift, () => lifting(hold), "", { "aria-label": text.liftOf(hold.alert) });
    return table(
      text.holds,
      [text.alert, text.placedBy, text.at, text.reason, text.lifted],
      list.map((hold) => [h("code", {}, hold.alert), hold.officer, words.moment(hold.at), hold.reason, hold.lifted_at ? text.liftedBy(hold.lifted_by, hold.lifted_at, hold.lifted_reason) : lift(hold) || text.stands]),
      { empty: text.noHolds, kind: "cards" },
    );
  }

  const reason = { name: "reason", label: words.act.reason, kind: "area", required: true, more: { maxlength: "500" } };

  async function placing() {
    const done = await ask({
      title: text.place,
      explain: [text.placeWhy],
      specs: [{ name: "alert", label: text.alertId, why: text.alertIdWhy, required: true, more: { spellcheck: "false", maxlength: "64" } }, reason],
      submit: text.place,
      send: (values) => post("/api/desk/holds", values),
    });
    if (done) await showHolds();
  }

  async function lifting(hold) {
    const done = await ask({
      title: text.liftOf(hold.alert),
      explain: [text.liftWhy],
      specs: [reason],
      submit: text.lift,
      danger: true,
      send: (values) => post("/api/desk/holds/lift", { alert: hold.alert, ...values }),
    });
    if (done) await showHolds();
  }

  async function receipt(each) {
    const { document } = await get(`/api/desk/receipts/${each.id}`);
    await tell(text.receiptOf(each.id), [
      h("pre", { tabindex: "0", "aria-label": text.receiptOf(each.id) }, pretty(document)),
      h("p", {}, button(words.act.receipt.save, () => save(new Blob([document], { type: "application/json" }), `receipt-${each.id}.json`))),
    ]);
  }

  const parts = [
    heading(text.heading),
    section(text.holds, h("p", { class: "faint" }, text.holdsWhy), holds, desk.is("authorising") && h("p", {}, button(text.place, placing))),
    desk.is("auditor") && section(text.due, h("p", { class: "faint" }, text.dueWhy), due),
    section(text.rules, rules),
    desk.is("auditor") && section(text.receipts, h("p", { class: "faint" }, text.receiptsWhy), receipts),
  ];
  place.append(...parts.filter(Boolean));
  await Promise.all([
    showHolds(),
    fill(rules, async () => {
      const { rules: list } = await get("/api/desk/retention/rules");
      return table(text.rules, [text.what, text.deleted, text.latest, text.exception], list.map((each) => [each.what, each.after, each.ceiling, each.exception].map(plainly)), { kind: "cards" });
    }),
    desk.is("auditor") &&
      fill(due, async () => {
        const { due: list } = await get("/api/desk/retention/due");
        return table(
          text.due,
          [text.what, text.subject, text.deployment, text.rows, text.dueAt, text.keeps],
          list.map((each) => [each.what, each.subject && h("code", {}, each.subject), each.deployment, words.number(each.rows), words.moment(each.due_at), each.hold ? text.heldFor(each.hold) : each.late ? badge("bad", "warning", text.late) : ""]),
          { empty: text.nothingDue, numbers: [3], kind: "cards" },
        );
      }),
    desk.is("auditor") &&
      fill(receipts, async () => {
        const { receipts: list } = await get("/api/desk/receipts");
        return table(
          text.receipts,
          [text.receipt, text.at, text.kind, text.deployment],
          list.map((each) => [button(each.id, () => receipt(each), "link", { "aria-label": text.receiptOf(each.id) }), words.moment(each.at), each.kind.replaceAll("_", " "), each.deployment ?? ""]),
          { empty: text.noReceipts, kind: "cards" },
        );
      }),
  ]);
}

/** The rule's line as a sentence begins, and the outcomes in it in the words of the pages. */
function plainly(line) {
  const said = line.replace(/\b[a-z]+(?:_[a-z]+)+\b/g, (code) => (words.outcome[code] ?? code).toLowerCase());
  return said.charAt(0).toUpperCase() + said.slice(1);
}
