// A person's question: was this reference on a watchlist on this day?

import { post } from "./api.js";
import { control, form } from "./form.js";
import { h, heading, notice, table } from "./parts.js";
import { words } from "./words.js";

const text = words.enquiry;

export function show(place) {
  const answer = h("div", { role: "status" });
  place.append(
    heading(text.heading),
    h("p", {}, text.explain),
    form({
      controls: [
        control({ name: "reference", label: text.reference, required: true, more: { maxlength: "200", spellcheck: "false" } }),
        control({ name: "day", label: text.day, kind: "day", required: true }),
      ],
      submit: text.ask,
      async send(values) {
        answer.replaceChildren();
        const { lists } = await post("/api/desk/asked", values);
        answer.replaceChildren(
          ...(lists.length
            ? [
                notice("info", h("p", {}, h("strong", {}, text.found(values.reference, values.day, lists.length)))),
                table(text.lists, [text.deployment, text.category, text.listed, text.destroyed], lists.map((each) => [each.deployment, each.category, words.moment(each.listed_at), each.destroyed_at ? words.moment(each.destroyed_at) : text.kept]), { kind: "cards" }),
              ]
            : [notice("good", h("p", {}, h("strong", {}, text.notFound(values.reference, values.day))))]),
        );
      },
    }),
    answer,
  );
}
