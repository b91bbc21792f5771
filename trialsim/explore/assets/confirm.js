// A simulation of the design: its events come one by one, and the bands narrow.
import { Chart } from "/assets/chart.js";
import { ask, byId, element, share, shown, table } from "/assets/page.js";
import { current, onChange } from "/assets/store.js";

const DESIGNS = { with: ["With the score", "line-3"], without: ["Without the score", "line-2"] };
const WORLDS = { alternative: "the effect holds", null: "there is no effect" };
let chart = null, rates = null, stream = null, job = null, plans = {}, courses = {};

export function startConfirm() {
  byId("simulate").addEventListener("click", simulate);
  byId("cancel").addEventListener("click", () => job && ask("/api/cancel", { job }).catch((problem) => tell(problem.message)));
  onChange((what) => { if (what !== "designs" && Object.keys(courses).length) byId("bands").classList.add("stale"); });
}

const tell = (text) => { byId("confirmed").textContent = text; };

function running(on) {
  byId("simulate").disabled = on;
  byId("cancel").hidden = byId("simulated").hidden = !on;
  byId("simulated").removeAttribute("value");
}

async function simulate() {
  stream?.close();
  plans = {}; courses = {};
  running(true);
  byId("bands").classList.remove("stale");
  tell("The engine starts: its kernels are loaded first.");
  try {
    const found = await ask("/api/confirm", { state: current(), replicates: Number(byId("replicates").value), sized_for: byId("confirm-size").value });
    job = found.job;
  } catch (problem) { running(false); tell(problem.message); return; }
  stream = new EventSource(`/api/confirm/events?job=${encodeURIComponent(job)}`);
  stream.onmessage = (message) => heard(JSON.parse(message.data));
  stream.onerror = () => { stream.close(); running(false); tell("The explorer does not answer: is it still running?"); };
}

function heard(event) {
  if (event.kind === "planned") plans[event.design] = event;
  if (event.kind === "round") round(event);
  if (!["done", "failed", "cancelled"].includes(event.kind)) return;
  stream.close();
  running(false);
  if (event.kind === "failed") tell(event.problem);
  else tell(`${event.kind === "done" ? "Done" : "Cancelled"}. ${summary()}`);
}

function round(event) {
  byId("simulated").value = event.done / event.rounds;
  for (const one of event.rows) (courses[`${one.design} ${one.world}`] ??= []).push(one);
  if (event.done === 1 || event.done % 4 === 0) tell(summary());
  if (!chart) {
    const place = element("div");
    rates = element("div");
    byId("bands").append(place, rates);
    chart = new Chart(place);
  }
  chart.draw({
    title: "Power over simulated trials, with its narrowing band", file: "simulation", words: "Bands are 95 % Monte Carlo intervals; the dashed lines are what the formula says.",
    x: { label: "simulated trials of each", low: 0 }, y: { label: "power" },
    series: Object.entries(DESIGNS).map(([name, [label, colour]]) => ({ name: label, colour, points: courses[`${name} alternative`].map((one) => [one.trials, one.rate]), bands: [{ points: courses[`${name} alternative`].map((one) => [one.trials, ...interval(one)]) }] })),
    rules: Object.keys(DESIGNS).map((name) => ({ y: plans[name].power, colour: DESIGNS[name][1] })),
  });
  rates.replaceChildren(table("Claims in simulated trials", ["trial", "where", "participants", "trials", "claims", "low", "high", "formula"], event.rows.map((one) => [DESIGNS[one.design][0], WORLDS[one.world], plans[one.design].participants, one.trials, share(one.rate), ...interval(one).map(share), share(one.world === "null" ? current().alpha / 2 : plans[one.design].power)]), { file: "simulation.csv" }));
}

const interval = (one) => [Math.max(one.rate - 1.96 * one.error, 0), Math.min(one.rate + 1.96 * one.error, 1)];

function summary() {
  const last = (name) => courses[name]?.at(-1), said = (one) => `${share(one.rate)} ± ${share(one.error)}`;
  const one = last("with alternative"), other = last("without alternative"), none = last("with null");
  if (!one || !other) return "No trial is simulated yet.";
  return `After ${shown(one.trials)} trials of each: power with the score ${said(one)} (${shown(plans.with.participants)} participants, formula ${share(plans.with.power)}), without it ${said(other)} (${shown(plans.without.participants)}, formula ${share(plans.without.power)}); claims where there is no effect ${said(none)}, one-sided.`;
}
