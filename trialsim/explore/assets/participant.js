// One participant: as they are and as they would be, by a placebo twin or a disease model.
import { Chart } from "/assets/chart.js";
import { ask, element, notice, read, shown } from "/assets/page.js";

let host, view = null, offer = null, chart, left, right, words, warnings, note, busy = false, dirty = false, drawn = 0;
const asked = { person: {}, change: {}, now: {}, dials: {}, treatment: { name: "", source: "", effect: 0, effect_sd: 0, dose: 1, full_by_week: 0 }, dose: 1, week: null, endpoint: null };

export function startParticipant(place, offers) {
  host = place;
  if (!offers) {
    host.append(element("p", { text: "There is nobody to ask: start with a run, a protocol that learns placebo twins, or a cohort card, such as trialsim explore cohorts/heart_failure.toml." }));
    return;
  }
  host.addEventListener("shown", () => offer ?? load());
}

async function load() {
  host.replaceChildren(element("p", { role: "status", text: "Reading the people …" }));
  try { offer = await read("/api/people"); } catch (problem) { host.replaceChildren(notice(problem.message)); return; }
  const names = Object.keys(offer.views);
  if (!view || !names.includes(view)) view = names[0] ?? null;
  lay();
  if (offer.learning) setTimeout(watch, 700);
}

async function watch() {
  const had = Object.keys(offer.views).length;
  offer = await read("/api/people");
  const place = host.querySelector(".learning");
  if (place) place.textContent = offer.problem ?? (offer.learning ? `Learning: ${offer.stage} ${offer.total ? `${offer.done} of ${offer.total}` : ""}` : "");
  if (Object.keys(offer.views).length > had) { view = "twin"; reset(); lay(); } else if (offer.learning) setTimeout(watch, 700);
}

function lay() {
  const pick = element("select", { id: "view-of", onchange: (event) => { view = event.target.value; reset(); lay(); } }, ...Object.entries(offer.views).map(([name, one]) => element("option", { value: name, text: one.title, selected: name === view })));
  const learn = element("button", { type: "button", class: "main", text: "Learn the placebo twins", onclick: async () => { learn.disabled = true; offer = await ask("/api/learn", {}); setTimeout(watch, 300); } });
  left = element("div"); right = element("div", { class: "answers" });
  host.replaceChildren(
    element("div", { class: "row" }, ...(view ? [element("label", { for: "view-of", text: "By" }), pick] : []), offer.can_learn ? learn : null, element("span", { class: "learning", role: "status", "aria-live": "polite" })),
    element("div", { class: "people" }, left, right));
  if (!view) return;
  const one = offer.views[view];
  left.append(element("p", { class: "command", text: `Source: ${one.source}.` }), people(one), ...(one.kind === "twin" ? [treatment(one)] : [dials(one)]), weeks(one));
  words = element("div", { class: "verdict", role: "status", "aria-live": "polite" });
  warnings = element("div");
  note = element("p", { class: "command" });
  const place = element("div");
  right.append(words, warnings, place, note);
  chart = new Chart(place);
  refresh();
}

function reset() {
  Object.assign(asked, { person: {}, change: {}, now: {}, dials: {}, dose: 1, week: null, endpoint: null });
}

const input = (label, value, act, more = {}) => element("input", { type: "number", step: "any", value, "aria-label": label, oninput: (event) => { if (event.target.value !== "" && Number.isFinite(Number(event.target.value))) { act(Number(event.target.value)); refresh(); } }, ...more });

function people(one) {
  const rows = one.fields.map((field) => {
    asked.person[field.name] ??= field.value;
    const mine = { step: field.step, min: field.unit === "0 or 1" ? 0 : null, max: field.unit === "0 or 1" ? 1 : null };
    const now = input(`${field.label}, as they are`, asked.person[field.name], (value) => { const same = !(field.name in asked.change); asked.person[field.name] = value; if (same) then.value = value; }, mine);
    const then = input(`${field.label}, changed`, asked.change[field.name] ?? asked.person[field.name], (value) => { asked.change[field.name] = value; }, mine);
    return [element("span", { text: field.label, title: `${field.name}, ${field.low} to ${field.high}: ${field.why}` }), now, then];
  });
  const made = table3("The participant", ["number", "as they are", "changed"], rows);
  const another = element("button", { type: "button", text: "Another participant", onclick: async () => {
    try {
      const found = await ask("/api/person", { number: ++drawn });
      for (const field of one.fields) if (field.name in found.person) asked.person[field.name] = found.person[field.name];
      asked.change = {};
      const kept = document.activeElement === another;
      lay();
      if (kept) host.querySelector("[data-another]")?.focus();
    } catch (problem) { words.replaceChildren(element("strong", { text: problem.message })); }
  }, "data-another": true });
  const same = element("button", { type: "button", text: "Undo changes", onclick: () => { asked.change = {}; asked.dials = { ...asked.now }; asked.treatment.effect = asked.treatment.effect_sd = 0; lay(); } });
  return element("div", {}, made, element("div", { class: "row" }, another, same));
}

function table3(caption, head, rows) {
  return element("figure", { class: "table" }, element("table", {}, element("caption", { text: caption }), element("thead", {}, element("tr", {}, ...head.map((name) => element("th", { scope: "col", text: name })))), element("tbody", {}, ...rows.map((cells) => element("tr", {}, ...cells.map((one, place) => element(place ? "td" : "th", place ? {} : { scope: "row" }, one)))))));
}

const field = (label, made, says) => element("div", { class: "field" }, element("span", {}, label, says ? element("div", { class: "says", text: says }) : null), made);

function treatment(one) {
  const t = asked.treatment;
  const text = (label, name) => element("input", { type: "text", class: "wide", value: t[name], maxlength: 200, "aria-label": label, oninput: (event) => { t[name] = event.target.value; refresh(); } });
  return element("fieldset", {}, element("legend", { text: "A treatment, assumed from outside the history" }),
    field("Name", text("Name of the treatment", "name")), field("Source of its effect", text("Source of the effect", "source"), "needed before it counts"),
    field(`Effect of a unit of dose (${one.treatment_unit})`, input("Effect of a unit of dose", t.effect, (value) => { t.effect = value; })), field("SD of its uncertainty", input("SD of the effect's uncertainty", t.effect_sd, (value) => { t.effect_sd = value; }, { min: 0 })),
    field("Dose", input("Units of dose", t.dose, (value) => { t.dose = value; }), "units that the effect is multiplied by"), ...(one.ramps ? [field("Acts in full from week", input("Week from which it acts in full", t.full_by_week, (value) => { t.full_by_week = value; }, { min: 0 }))] : []));
}

function dials(one) {
  return element("fieldset", {}, element("legend", { text: "A treatment, as dials of the model" }),
    field("Endpoint", element("select", { "aria-label": "Endpoint", onchange: (event) => { asked.endpoint = event.target.value; asked.week = null; lay(); } }, ...one.endpoints.map((end) => element("option", { value: end.name, text: `${end.name}${end.unit ? `, ${end.unit}` : ""}`, selected: end.name === asked.endpoint })))),
    table3("Dials", ["dial", "as they are", "changed"], one.dials.map((dial) => {
      const more = { min: dial.low, max: dial.high, step: dial.operation === "multiply" ? 0.05 : "any" };
      const now = input(`${dial.name}, as they are: ${dial.says}`, asked.now[dial.name] ?? dial.value, (value) => { asked.now[dial.name] = value; }, more);
      const then = input(`${dial.name}, changed: ${dial.says}`, asked.dials[dial.name] ?? dial.value, (value) => { asked.dials[dial.name] = value; }, more);
      return [element("span", {}, `${dial.name.replaceAll("_", " ")} (${dial.operation === "multiply" ? "×" : "+"})`, element("div", { class: "says", text: dial.unit === "ratio" ? dial.says : `${dial.says}; ${dial.unit}` })), now, then];
    })),
    field("Dose", input("Dose", asked.dose, (value) => { asked.dose = value; }, { min: 0, step: 0.5 }), "times what the dials do; ratios to the power of it"));
}

function weeks(one) {
  const end = one.endpoints?.find((this_one) => this_one.name === asked.endpoint) ?? one.endpoints?.[0];
  const most = one.horizon_weeks ?? end.horizon_weeks;
  asked.week ??= Number(most.toFixed(2));
  return element("fieldset", {}, element("legend", { text: "When" }), field("Week", input("Week", asked.week, (value) => { asked.week = value; }, { min: 0 }), `the evidence ends at week ${shown(most)}`));
}

async function refresh() {
  if (busy) { dirty = true; return; }
  busy = true;
  do {
    dirty = false;
    const one = offer.views[view], question = { view, person: asked.person, change: asked.change, week: asked.week };
    if (one.kind === "twin") { if (asked.treatment.effect || asked.treatment.effect_sd) question.treatment = asked.treatment; }
    else Object.assign(question, { dials_now: asked.now, dials: asked.dials, dose: asked.dose, endpoint: asked.endpoint ?? one.endpoints[0].name });
    try {
      const found = await ask("/api/whatif", question);
      if (!dirty) draw(found, one);
    } catch (problem) { if (!dirty) { words.classList.add("no"); words.replaceChildren(element("strong", { text: problem.message })); } }
  } while (dirty);
  busy = false;
  document.dispatchEvent(new CustomEvent("explorer:drawn"));
}

function draw(found, one) {
  words.classList.toggle("no", found.warnings.length > 0);
  words.replaceChildren(element("strong", { text: found.words }));
  warnings.replaceChildren(...found.warnings.map((text) => notice(`${text}.`)));
  note.textContent = found.note;
  const end = one.endpoints?.find((this_one) => this_one.name === asked.endpoint) ?? one.endpoints?.[0];
  const line = (name, colour, fan, dash) => ({ name, colour, dash, marks: fan.weeks.length === 1, points: fan.weeks.map((week, place) => [week, fan.score[place]]), bands: fan.bands.map((band) => ({ level: band.level, points: fan.weeks.map((week, place) => [week, band.low[place], band.high[place]]) })) });
  const unit = one.kind === "twin" ? one.axis : end.kind === "score" ? end.name : end.axis;
  chart.draw({
    title: "As they are, and changed", file: "participant", words: found.before.bands.length ? "Lines are expected values; bands hold half and 90 % of what such people show." : "Lines are expected values.",
    x: { label: "week", low: 0 }, y: { label: unit, ...(/probability|share/.test(unit) ? { low: 0, high: 1 } : {}) },
    series: [line("As they are", "line-1", found.before, ""), line("Changed", "line-3", found.after, "7 4")],
  });
}
