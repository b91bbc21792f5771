// The design view: every change asks once, and the newest numbers are always the ones that are drawn.
import { Chart } from "/assets/chart.js";
import { Refused, ask, byId, download, element, notice, share, shown, table } from "/assets/page.js";
import { clearInvalid, drawNumbers, markInvalid, showNumbers } from "/assets/numbers.js";
import { current, keepLink, linked, onChange, store, tell } from "/assets/store.js";

export const NAMES = { unadjusted: "No covariates", ancova: "Without the score", undiscounted: "With the score, as in the history", discounted: "With the score, discounted", worst_plausible: "With the score, worst plausible" };
export const COLOURS = { unadjusted: "line-1", ancova: "line-2", undiscounted: "line-4", discounted: "line-3", worst_plausible: "line-5" };
let curve, frontierChart, busy = false, dirty = false, latest = null, frontierFor = null, runs = 0;

export const answer = () => latest;

export function startDesign() {
  curve = new Chart(byId("curve"));
  redrawNumbers();
  onChange((what) => {
    if (what === "chosen") redrawNumbers();
    if (what !== "designs") refresh();
  });
  byId("numbers").addEventListener("submit", (event) => event.preventDefault());
  byId("find-frontier").addEventListener("click", () => findFrontier(["prognostic", "map", "power"]));
  byId("all-methods").addEventListener("click", () => findFrontier(store.start.methods));
  byId("trace").addEventListener("click", traceFrontier);
  byId("save").addEventListener("click", save);
  byId("copy-link").addEventListener("click", copyLink);
  refresh();
}

function redrawNumbers() {
  drawNumbers(byId("numbers"), (scale) => {
    const kept = {};
    for (const name of ["partial_correlation", "partial_lower", "correlation_discount", "ratio", "looks", "power", "alpha", "cap", "per_month", "control_price", "active_price", "month_price"]) kept[name] = current()[name];
    store.designs[store.at].state = { ...kept, scale };
    tell("scale");
  });
}

async function refresh() {
  if (busy) { dirty = true; return; }
  busy = true;
  do {
    dirty = false;
    const asked = store.designs[store.at];
    try {
      const found = await ask("/api/design", { state: asked.state });
      const whole = Object.keys(asked.state).length < Object.keys(found.state).length;
      asked.state = { ...found.state, ...(whole ? {} : asked.state) };
      latest = found;
      clearInvalid();
      if (whole) { redrawNumbers(); keepLink(); } else showNumbers();
      if (!dirty) draw(found);
    } catch (problem) {
      if (!dirty) refused(problem);
    }
  } while (dirty);
  busy = false;
  document.dispatchEvent(new CustomEvent("explorer:drawn"));
}

function refused(problem) {
  clearInvalid();
  if (problem instanceof Refused) markInvalid(problem.field, true);
  const answer = byId("answer");
  answer.classList.add("no");
  answer.replaceChildren(element("strong", { text: problem instanceof Refused ? problem.message : "The explorer does not answer: is it still running?" }), element("p", { text: "Below stands the answer to the numbers before." }));
  for (const name of ["cards", "curve", "sizes"]) byId(name).classList.add("stale");
}

function draw(found) {
  for (const name of ["cards", "curve", "sizes"]) byId(name).classList.remove("stale");
  const row = Object.fromEntries(found.rows.map((one) => [one.analysis, one]));
  const saved = row.ancova.total - row.discounted.total, controls = row.ancova.controls - row.discounted.controls;
  const answer = byId("answer"), power = `${Math.round(100 * found.state.power)} %`;
  answer.classList.toggle("no", saved <= 0);
  answer.replaceChildren(
    element("strong", { text: saved > 0 ? `${shown(row.discounted.total)} participants with the score, ${shown(row.ancova.total)} without: ${shown(saved)} fewer, ${shown(Math.max(controls, 0))} of them controls.` : `${shown(row.ancova.total)} participants: the score saves nobody.` }),
    element("p", { text: `For a power of ${power} at a two-sided type I error of ${shown(found.state.alpha)}; both analyses use the same baseline and no other covariate. The score is discounted.` }));
  byId("cards").replaceChildren(...cards(row));
  byId("warnings").replaceChildren(...found.warnings.map((text) => notice(`${text}.`)));
  drawCurve(found, row);
  const timed = row.ancova.months !== null, priced = row.ancova.cost !== null;
  const head = ["analysis", "participants", "controls", "active", "power", ...(found.state.looks > 1 ? ["expected"] : []), ...(timed ? ["months"] : []), ...(priced ? ["cost"] : [])];
  byId("sizes").replaceChildren(table("Sizes by formula", head, found.rows.map((one) => ({ class: one.analysis === "discounted" ? "chosen" : null, cells: [NAMES[one.analysis], one.total, one.controls, one.active, share(one.power), ...(found.state.looks > 1 ? [one.expected] : []), ...(timed ? [one.months] : []), ...(priced ? [one.cost] : [])] })), { file: "sizes.csv" }));
  byId("command").textContent = found.command + (found.looks.inflation > 1 ? `   (one look; looks make it ${found.looks.inflation.toFixed(3)} times as many)` : "");
  byId("looks-part").hidden = found.looks.rows.length < 2;
  byId("looks").replaceChildren(table("Bounds of equally spaced looks", ["look", "information", "bound (z)", "stops if it works", "stops under the null"], found.looks.rows.map((one) => [String(one.look), one.information, share(one.bound), share(one.stops_if_it_works), share(one.stops_under_the_null)]), { file: "looks.csv" }));
  if (frontierFor && frontierFor !== JSON.stringify(found.state)) byId("frontier").classList.add("stale");
}

function cards(row) {
  const card = (name, value, note) => element("div", { class: "card" }, name, element("b", { text: value }), note);
  const { ancova, discounted: scored } = row;
  const made = [card("Controls", `${shown(scored.controls)}`, `${shown(ancova.controls)} without the score`), card("Active", `${shown(scored.active)}`, `${shown(ancova.active)} without`)];
  if (scored.months !== null) made.push(card("Months to the last outcome", shown(scored.months), `${shown(ancova.months)} without`));
  if (scored.cost !== null) made.push(card("Cost", shown(scored.cost), `${shown(ancova.cost)} without`));
  made.push(card("Participants saved", `${Math.round((100 * (ancova.total - Math.min(scored.total, ancova.total))) / ancova.total)} %`, `${shown(Math.max(ancova.total - row.worst_plausible.total, 0))} in the worst plausible case`));
  return made;
}

function drawCurve(found, row) {
  const names = ["unadjusted", "ancova", "undiscounted", "discounted"];
  curve.draw({
    title: "Power over the number of participants", file: "power",
    words: `With the discounted score ${shown(row.discounted.total)} participants reach the power; without it ${shown(row.ancova.total)} do.`,
    x: { label: "participants", low: 0 }, y: { label: "power", low: 0, high: 1 },
    series: names.map((name) => ({ name: NAMES[name], colour: COLOURS[name], points: found.curve.participants.map((n, place) => [n, found.curve[name][place]]) })),
    rules: [{ y: found.state.power, label: `${Math.round(100 * found.state.power)} %` }, { x: row.discounted.total, label: shown(row.discounted.total), colour: "line-3", row: 1 }, { x: row.ancova.total, label: shown(row.ancova.total), colour: "line-2" }],
  });
}

async function findFrontier(methods) {
  const run = ++runs, told = byId("frontier-told"), state = { ...current() };
  told.textContent = "Looking at every declared drift …";
  byId("frontier").classList.add("stale");
  try {
    const found = await ask("/api/frontier", { state, methods });
    if (run !== runs) return;
    frontierFor = JSON.stringify(latest.state);
    const best = found.rows.filter((one) => one.feasible).toSorted((a, b) => a.controls - b.controls)[0];
    told.textContent = best ? `Beside ${shown(found.active)} active participants, ${best.method} needs ${shown(best.controls)} controls, with a type I error of at most ${share(best.worst_type_one_error)}.` : "No method keeps the accepted type I error at this power.";
    drawFrontier(found);
  } catch (problem) { if (run === runs) told.textContent = problem.message; }
  finally { if (run === runs) byId("frontier").classList.remove("stale"); }
}

function drawFrontier(found) {
  const host = element("div");
  byId("frontier").replaceChildren(host, table("Fewest controls by method", ["method", "controls", "worst type I error", "at drift", "power without drift", "worst power", "setting"], found.rows.map((one) => [one.method, one.feasible ? one.controls : "none feasible", share(one.worst_type_one_error), one.at_drift, share(one.power), share(one.worst_power), one.setting]), { file: "frontier.csv" }), element("p", { class: "command" }, "The same on a command line: ", element("code", { text: found.command })));
  frontierChart = new Chart(host);
  const rows = found.rows.filter((one) => one.feasible);
  frontierChart.draw({
    title: "Controls against the worst type I error", file: "frontier", words: "Further left are fewer controls, further up more risk: a method must stay below the dashed line of what is accepted.",
    x: { label: "controls" }, y: { label: "worst type I error", low: 0, high: Math.max(0.1, found.cap * 1.3) },
    series: rows.map((one, place) => ({ name: one.method, colour: `line-${(place % 6) + 1}`, marks: true, lines: false, radius: 7, points: [[one.controls, one.worst_type_one_error]] })),
    rules: [{ y: found.cap, label: "accepted" }],
  });
}

async function traceFrontier() {
  const run = ++runs, told = byId("frontier-told"), state = { ...current() };
  const alpha = state.alpha, caps = [1, 1.1, 1.25, 1.5, 2, 3, 4].map((one) => Number((one * alpha).toPrecision(3)));
  const points = { map: [], power: [] };
  const host = element("div");
  byId("frontier").replaceChildren(host);
  const chart = new Chart(host), names = { map: "robust MAP prior", power: "power prior" };
  let plain = null;
  try {
    for (const cap of caps) {
      told.textContent = `Accepting a type I error of ${shown(cap)} …`;
      const found = await ask("/api/frontier", { state, methods: ["prognostic", "map", "power"], cap });
      if (run !== runs) return;
      plain = found.rows[0].feasible ? found.rows[0].controls : plain;
      Object.keys(points).forEach((name, place) => { const one = found.rows[place + 1]; if (one?.feasible) points[name].push([one.controls, cap]); });
      chart.draw({
        title: "The frontier: controls against the type I error that is accepted", file: "frontier-traced", words: "Each point is the fewest controls that keep so much type I error at every declared drift.",
        x: { label: "controls" }, y: { label: "accepted type I error", low: 0, high: 4.2 * alpha },
        series: Object.entries(points).map(([name, found], place) => ({ name: names[name], colour: place ? "line-4" : "line-3", marks: true, points: found })),
        rules: [{ y: alpha, label: "nominal" }, ...(plain === null ? [] : [{ x: plain, label: "no borrowing" }])],
      });
    }
    frontierFor = JSON.stringify(latest.state);
    told.textContent = `Without borrowing ${shown(plain)} controls are needed; the nominal level is ${shown(alpha)}.`;
  } catch (problem) { if (run === runs) told.textContent = problem.message; }
}

async function save() {
  try {
    const found = await ask("/api/protocol", { state: current(), title: byId("protocol-title").value, sized_for: byId("protocol-size").value });
    download("explored_design.toml", found.text, "application/toml");
    byId("saved").textContent = `Saved as explored_design.toml. ${found.notes.join(" ")}`;
  } catch (problem) { byId("saved").textContent = problem.message; }
}

async function copyLink() {
  const address = `${location.origin}/${linked()}`;
  history.replaceState(null, "", linked());
  try { await navigator.clipboard.writeText(address); byId("saved").textContent = "The link is copied. It opens in this explorer while it runs, and after the # it holds every number."; }
  catch { byId("saved").textContent = `The link: ${address}`; }
}
