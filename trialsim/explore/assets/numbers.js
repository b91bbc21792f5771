// Sliders with their fields, in groups that fold: one for each number of the state's scale.
import { element } from "/assets/page.js";
import { current, setNumber, store } from "/assets/store.js";

const SCALES = { continuous: "Mean change of a score", binary: "Response, yes or no", count: "Number of events", survival: "Time to an event" };
const OPEN = ["Effect", "Score", "Conduct"];
const fields = new Map();

export function drawNumbers(host, onScale) {
  const open = new Map([...host.querySelectorAll("details")].map((one) => [one.dataset.group, one.open]));
  const scale = current().scale;
  fields.clear();
  const kind = element("select", { id: "scale", onchange: (event) => onScale(event.target.value) }, ...Object.entries(SCALES).map(([value, text]) => element("option", { value, text, selected: value === scale })));
  const groups = new Map();
  for (const control of store.start.controls.filter((one) => one.scales.includes(scale))) {
    if (!groups.has(control.group)) groups.set(control.group, []);
    groups.get(control.group).push(number(control));
  }
  const wide = matchMedia("(min-width: 901px)").matches;
  host.replaceChildren(element("div", { class: "number" }, element("label", { for: "scale", text: "Outcome" }), " ", kind), ...[...groups].map(([name, made]) => element("details", { class: "group", "data-group": name, open: open.get(name) ?? (wide && OPEN.includes(name)) }, element("summary", { text: name }), ...made)));
}

function number(control) {
  const id = `n-${control.name}`;
  const value = current()[control.name];
  const slider = element("input", { type: "range", id: `${id}-slider`, min: control.low, max: control.high, step: control.step || "any", "aria-label": `${control.label}, slider` });
  const field = element("input", { type: "number", id, step: "any", "aria-describedby": control.says ? `${id}-says` : null });
  const put = (given) => { if (given !== null && given !== undefined) { field.value = Number(Number(given).toPrecision(4)); slider.value = given; } else field.value = ""; };
  put(value);
  slider.addEventListener("input", () => { field.value = Number(Number(slider.value).toPrecision(6)); setNumber(control.name, Number(slider.value)); });
  field.addEventListener("input", () => { const given = field.value === "" ? (control.name === "per_month" ? null : NaN) : Number(field.value); if (given !== null && !Number.isFinite(given)) { markInvalid(control.name, true); return; } if (given !== null) slider.value = given; setNumber(control.name, given); });
  fields.set(control.name, { field, slider, put });
  return element("div", { class: "number" },
    element("div", { class: "top" }, element("label", { for: id, text: control.label }), element("span", {}, field, " ", element("span", { class: "unit", text: control.unit }))),
    slider, control.says ? element("p", { class: "says", id: `${id}-says`, text: control.says }) : null);
}

export function showNumbers() {
  for (const [name, one] of fields) if (document.activeElement !== one.field && document.activeElement !== one.slider) one.put(current()[name]);
}

export function markInvalid(name, bad) {
  const found = fields.get(name);
  if (found) found.field.setAttribute("aria-invalid", String(bad));
}

export function clearInvalid() {
  for (const one of fields.values()) one.field.removeAttribute("aria-invalid");
}
