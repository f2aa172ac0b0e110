// A new phone: first it comes to trust this box, then its officer is let in. Two codes, never one.

import { get, post } from "./api.js";
import { button, h, heading, notice, refusal } from "./parts.js";
import { words } from "./words.js";

const text = words.onboarding;

export async function show(place) {
  const [facts, { people }] = await Promise.all([get("/api/desk/onboarding"), get("/api/desk/people")]);
  const second = h("section", { class: "step", "aria-labelledby": "second" });
  place.append(
    heading(text.heading),
    h("p", { class: "faint" }, text.explain),
    h("div", { class: "steps" }, h("section", { class: "step", "aria-labelledby": "first" }, ...first(facts)), second),
  );
  invite(second, people.filter((person) => person.role === "engagement" && person.invite && !person.disabled_at));
}

function first(facts) {
  const title = h("h2", { id: "first" }, text.first);
  if (facts.why === "plain" || facts.why === "brought") return [title, notice("info", h("p", {}, text[facts.why]))];
  const code = facts.why
    ? [notice("info", h("p", {}, text.closed))]
    : [
        h("p", {}, text.firstWhy),
        h("img", { class: "qr", src: drawn(facts.picture), alt: text.firstAlt }),
        h("p", { class: "address" }, facts.link),
      ];
  return [
    title,
    ...code,
    h("h3", {}, text.compare),
    h("p", { class: "fingerprint" }, ...facts.fingerprint.map((row) => h("span", {}, row))),
    h("p", {}, text.compareWhy),
    h("p", {}, text.differs),
    h("p", { class: "faint" }, text.of(facts.authority, facts.until)),
    h("p", { class: "faint" }, `${text.names}: ${facts.names.join(", ")}`),
  ];
}

/** The form that chooses for whom, until an invitation is made; then its code, until the next phone. */
function invite(place, people) {
  const problem = h("div", { role: "alert" });
  const who = h(
    "select",
    { id: "who" },
    ...people.map((person) => h("option", { value: person.id }, person.name)),
    h("option", { value: "" }, text.shift),
  );
  const make = button(text.make, carry, "main");
  place.replaceChildren(
    h("h2", { id: "second" }, text.second),
    h("p", {}, text.secondWhy),
    h("p", {}, h("label", { for: "who" }, text.who)),
    h("p", {}, who),
    h("p", {}, make),
    problem,
  );

  async function carry() {
    problem.replaceChildren();
    make.disabled = true;
    try {
      const id = who.value;
      const made = await (id ? post(`/api/desk/people/${id}/invite`) : post("/api/desk/people/shift", { uses: 1 }));
      const name = people.find((person) => person.id === id)?.name;
      const forWhom = name ? words.people.invitationFor(name) : words.people.shift;
      const why = name ? words.people.invitationWhy(made.hours) : words.people.shiftFor(1, made.hours);
      const next = button(text.again, () => invite(place, people));
      place.replaceChildren(
        h("h2", { id: "second", tabindex: "-1" }, text.second),
        h("p", {}, h("strong", {}, forWhom)),
        h("img", { class: "qr", src: drawn(made.picture), alt: words.people.qrAlt }),
        h("p", {}, why),
        h("p", {}, next),
      );
      place.querySelector("h2").focus({ preventScroll: true }); // the button that was pressed is gone
    } catch (error) {
      make.disabled = false;
      problem.replaceChildren(refusal(error));
    }
  }
}

/** A picture that goes with the page. */
function drawn(svg) {
  return URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
}
