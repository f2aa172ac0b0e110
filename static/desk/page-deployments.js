// All deployments of the box, the newest first.

import { get } from "./api.js";
import { h, heading, link, stageBadge, table } from "./parts.js";
import { words } from "./words.js";

const text = words.deployment;

export async function show(place, desk) {
  const { deployments } = await get("/api/desk/deployments");
  place.append(
    heading(text.heading, desk.is("operator") && h("a", { href: "#deployments/new", class: "button main" }, text.draft)),
    h("p", { class: "faint" }, text.explain),
    table(
      text.heading,
      [text.name, text.stage, text.place, text.starts, text.ends, text.draftedBy],
      deployments.map((each) => [
        link(`deployments/${each.id}`, each.name),
        stageBadge(each.stage),
        each.place,
        words.moment(each.starts_at),
        words.moment(each.ends_at),
        each.drafted_by,
      ]),
      { empty: text.empty, kind: "cards" },
    ),
  );
}
