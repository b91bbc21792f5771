// The page: what it starts with, its views, and what the address holds.
import { byId, element, notice, read } from "/assets/page.js";
import { startCompare } from "/assets/compare.js";
import { startConfirm } from "/assets/confirm.js";
import { startDesign } from "/assets/design.js";
import { startParticipant } from "/assets/participant.js";
import { fromLink, store } from "/assets/store.js";

const TABS = ["design", "participant", "compare"];

function show(name) {
  for (const one of TABS) {
    const chosen = one === name, tab = byId(`tab-${one}`), view = byId(`view-${one}`);
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    view.hidden = !chosen;
    if (chosen) view.dispatchEvent(new Event("shown"));
  }
}

function tabs() {
  TABS.forEach((name, place) => {
    const tab = byId(`tab-${name}`);
    tab.addEventListener("click", () => show(name));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = TABS[(place + step + TABS.length) % TABS.length];
      show(next);
      byId(`tab-${next}`).focus();
    });
  });
}

async function start() {
  tabs();
  try {
    store.start = await read("/api/start");
  } catch (problem) {
    byId("answer").replaceChildren(element("strong", { text: problem.message }));
    return;
  }
  const { start: given } = store;
  byId("title").textContent = given.title;
  byId("protocol-title").value = given.kind === "nothing" ? "" : given.title.slice(0, 200);
  byId("notes").replaceChildren(...given.warnings.map((text) => notice(`This run is not what its manifest says: ${text}`)), ...given.notes.map(notice));
  const linked = fromLink();
  store.designs = linked?.designs ?? [{ name: "Design 1", state: { ...given.state } }];
  store.at = linked?.at ?? 0;
  startDesign();
  startConfirm();
  startParticipant(byId("view-participant"), given.people);
  startCompare(byId("view-compare"));
  if (given.kind === "card" && !linked) show("participant");
  document.dispatchEvent(new CustomEvent("explorer:ready"));
}

// A link that is pasted over this page's own changes what stands after the # alone.
addEventListener("hashchange", () => location.reload());
start();
