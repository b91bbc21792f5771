// A simulation of the design: its events come one by one, and the bands narrow.
import { Chart } from "/assets/chart.js";
import { ask, byId, share, shown } from "/assets/page.js";
import { current, onChange } from "/assets/store.js";

const WORLDS = { "with alternative": ["With the score, effect holds", "line-3"], "without alternative": ["Without the score, effect holds", "line-2"], "with null": ["With the score, no effect", "line-4"], "without null": ["Without the score, no effect", "line-1"] };
let chart = null, stream = null, job = null, plans = {}, courses = {};

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
  chart ??= new Chart(byId("bands"));
  chart.draw({
    title: "Rejection rate over simulated trials", file: "simulation", words: summary(),
    x: { label: "simulated trials of each", low: 0 }, y: { label: "rejection rate", low: 0, high: 1 },
    series: Object.entries(courses).map(([name, rows]) => ({ name: WORLDS[name][0], colour: WORLDS[name][1], points: rows.map((one) => [one.trials, one.rate]), bands: [{ points: rows.map((one) => [one.trials, one.rate - 1.96 * one.error, one.rate + 1.96 * one.error]) }] })),
    rules: plans.with ? [{ y: plans.with.power, label: "formula" }] : [],
  });
}

function summary() {
  const last = (name) => courses[name]?.at(-1), said = (one) => `${share(one.rate)} ± ${share(one.error)}`;
  const one = last("with alternative"), other = last("without alternative"), none = last("with null");
  if (!one || !other) return "No trial is simulated yet.";
  return `After ${shown(one.trials)} trials of each: power with the score ${said(one)} (${shown(plans.with.participants)} participants, formula ${share(plans.with.power)}), without it ${said(other)} (${shown(plans.without.participants)}, formula ${share(plans.without.power)}); claims where there is no effect ${said(none)}, one-sided.`;
}
