// Up to four designs side by side, and the Pareto front of a declared grid.
import { Chart } from "/assets/chart.js";
import { ask, byId, element, share, shown, table } from "/assets/page.js";
import { NAMES, answer } from "/assets/design.js";
import { add, choose, current, drop, full, keepLink, onChange, store, tell } from "/assets/store.js";

const GRID = { power: [0.8, 0.85, 0.9, 0.95], ratio: [1, 1.5, 2, 3], looks: [1, 2, 3], sized_for: ["ancova", "undiscounted", "discounted", "worst_plausible"] };
const CHECKED = { power: [0.8, 0.9], ratio: [1, 2], looks: [1, 2, 3], sized_for: ["ancova", "discounted", "worst_plausible"] };
const AXES = { power: "Power", ratio: "Active for each control", looks: "Looks", sized_for: "Sized for" };
const LINES = ["line-3", "line-2", "line-4", "line-5"];
let side, curves, front, chart, told, drawings = 0;

export function startCompare(host) {
  side = element("div"); curves = element("div"); front = element("div"); told = element("p", { role: "status", "aria-live": "polite" });
  host.append(
    element("h2", { text: "Side by side" }),
    element("div", { class: "row" }, element("button", { type: "button", class: "main", text: "Keep a copy of the current design", onclick: () => { add(`Design ${store.designs.length + 1}`, current()) ? tell("chosen") : (told.textContent = "Four designs are compared at most."); drawSide(); } })),
    side, curves,
    element("h2", { text: "Pareto front of a grid" }),
    element("p", { text: "Every design of the grid has the other numbers of the current design. A design stays where no other one has at most as many participants, months and risk. Risk is the chance to miss the effect if the score is as weak as the worst plausible figure says, compared in steps of half a percent; months are expected ones." }),
    axes(), element("div", { class: "row" }, element("button", { type: "button", class: "main", text: "Compute the front", onclick: pareto })), told, front);
  onChange(() => !host.hidden && drawSide());
  host.addEventListener("shown", drawSide);
}

const says = (name, value) => (name === "sized_for" ? NAMES[value] : String(value));

function axes() {
  return element("div", { class: "axes" }, ...Object.entries(GRID).map(([name, values]) => element("fieldset", { "data-axis": name }, element("legend", { text: AXES[name] }), ...values.map((value) => element("label", {}, element("input", { type: "checkbox", value, checked: CHECKED[name].includes(value) }), " ", says(name, value))))));
}

async function drawSide() {
  // Designs may be dropped or kept while their answers are on the way: only the newest drawing is shown.
  const mine = ++drawings, designs = [...store.designs];
  const found = await Promise.all(designs.map((one) => ask("/api/design", { state: one.state }).catch((problem) => ({ problem: problem.message }))));
  if (mine !== drawings) return;
  const name = (one, place) => element("input", { type: "text", value: one.name, maxlength: 60, "aria-label": `Name of design ${place + 1}`, oninput: (event) => { one.name = event.target.value; keepLink(); } });
  const acts = (place) => element("span", {}, element("button", { type: "button", class: "small", text: place === store.at ? "this one" : "move this one", disabled: place === store.at, onclick: () => choose(place) }), " ", element("button", { type: "button", class: "small", text: "drop", disabled: designs.length < 2, onclick: () => { drop(place); drawSide(); } }));
  const of = (pick) => found.map((one) => (one.problem ? "–" : pick(one)));
  const row = (one, analysis) => one.rows.find((line) => line.analysis === analysis);
  const rows = [
    ["Name", ...designs.map(name)], ["On the sliders", ...designs.map((_, place) => acts(place))],
    ["Outcome", ...of((one) => one.state.scale)],
    ...differing(found).map(([label, key]) => [label, ...of((one) => one.state[key] ?? "–")]),
    ["Participants, without the score", ...of((one) => row(one, "ancova").total)], ["Participants, score discounted", ...of((one) => row(one, "discounted").total)],
    ["Controls, score discounted", ...of((one) => row(one, "discounted").controls)], ["Saved by the score", ...of((one) => Math.max(row(one, "ancova").total - row(one, "discounted").total, 0))],
    ["Months, score discounted", ...of((one) => row(one, "discounted").months)], ["Cost, score discounted", ...of((one) => row(one, "discounted").cost)],
    ["Expected participants", ...of((one) => row(one, "discounted").expected ?? row(one, "discounted").total)],
  ];
  side.replaceChildren(table("Designs", ["what", ...designs.map((_, place) => `design ${place + 1}`)], rows, { file: "designs.csv" }), ...found.filter((one) => one.problem).map((one) => element("p", { text: one.problem })));
  drawCurves(found, designs);
}

function differing(found) {
  const known = found.filter((one) => !one.problem);
  return store.start.controls.filter((one, place, all) => all.findIndex((other) => other.name === one.name) === place).map((one) => [one.label, one.name]).filter(([, key]) => known.some((one) => key in one.state) && new Set(known.map((one) => one.state[key])).size > 1);
}

function drawCurves(found, designs) {
  const known = found.map((one, place) => [one, place]).filter(([one]) => !one.problem);
  if (known.length < 2) { curves.replaceChildren(); return; }
  const host = element("div");
  curves.replaceChildren(host);
  new Chart(host).draw({
    title: "Power with the discounted score", file: "designs", words: "Each line is one of the designs; further left is better.",
    x: { label: "participants", low: 0 }, y: { label: "power", low: 0, high: 1 },
    series: known.map(([one, place]) => ({ name: designs[place].name, colour: LINES[place], points: one.curve.participants.map((n, at) => [n, one.curve.discounted[at]]) })),
  });
}

async function pareto() {
  const grid = Object.fromEntries([...document.querySelectorAll("[data-axis]")].map((one) => [one.dataset.axis, [...one.querySelectorAll("input:checked")].map((box) => (one.dataset.axis === "sized_for" ? box.value : Number(box.value)))]));
  told.textContent = "Computing …";
  try {
    const found = await ask("/api/pareto", { state: current(), grid });
    const best = found.points.filter((one) => one.unbeaten).toSorted((a, b) => a.participants - b.participants);
    told.textContent = `${best.length} of ${found.points.length} designs are beaten by no other.`;
    drawFront(found.points, best);
  } catch (problem) { told.textContent = problem.message; }
}

function drawFront(points, best) {
  const host = element("div");
  const line = (one) => `${shown(one.participants)} participants, ${shown(one.months)} months, risk ${share(one.risk)}`;
  const looks = [...new Set(points.map((one) => one.looks))];
  front.replaceChildren(host, table("Designs that no other one beats", ["sized for", "power", "1 : active", "looks", "participants", "controls", "months", "risk", "choose"], best.map((one) => [NAMES[one.sized_for], one.power, one.ratio, one.looks, one.participants, one.controls, one.months, share(one.risk), element("button", { type: "button", class: "small", text: "take", "aria-label": `Take the design with ${line(one)}`, onclick: () => { Object.assign(current(), { power: one.power, ratio: one.ratio, looks: one.looks }); tell("chosen"); keepLink(); told.textContent = `Taken: ${line(one)}.`; } })]), { file: "pareto.csv" }));
  chart = new Chart(host);
  const of = (rows) => rows.map((one) => [one.participants, one.risk, line(one)]);
  chart.draw({
    title: "Participants against risk", file: "pareto", words: "Strong points are beaten by no other design in participants, months and risk; faint ones are. More looks end sooner with more participants at most.",
    x: { label: "participants at most" }, y: { label: "risk", low: 0 },
    series: [...looks.map((count, place) => ({ name: `${count} look${count > 1 ? "s" : ""}`, colour: LINES[place % 4], marks: true, lines: false, radius: 6, points: of(best.filter((one) => one.looks === count)) })), { name: "beaten", colour: "line-1", marks: true, lines: false, faint: true, radius: 4, points: of(points.filter((one) => !one.unbeaten)) }],
  });
}

export { answer, full };
