// Small things that every view uses: elements whose text is text, numbers as people write them, files, questions.

export function element(name, options = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "text") made.textContent = value;
    else if (key === "class") made.className = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : String(value));
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export const byId = (name) => document.getElementById(name);

export function shown(value, digits = 3) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value)) return value.toLocaleString("en");
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString("en");
  return Number(value.toPrecision(size >= 100 ? Math.max(digits, 4) : digits)).toString();
}

export const share = (value) => (value === null || value === undefined ? "–" : value.toFixed(3));

export class Refused extends Error {
  constructor(answer) {
    const mend = answer.mend ? `. ${answer.mend[0].toUpperCase()}${answer.mend.slice(1)}.` : "";
    const field = (answer.field || "").replace(/^--/, "").replaceAll("-", "_");
    super(`${field ? `${field.replaceAll("_", " ")}: ` : ""}${answer.problem}${mend}`);
    // What score and baseline explain together is moved by the score.
    this.field = field === "correlation" ? "partial_correlation" : field;
  }
}

async function answered(response) {
  const answer = await response.json();
  if (!response.ok) throw new Refused(answer);
  return answer;
}

export async function ask(path, question, signal) {
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(question), signal };
  return answered(await fetch(path, options));
}

export const read = async (path) => answered(await fetch(path));

export function download(name, content, kind) {
  const address = URL.createObjectURL(new Blob([content], { type: kind }));
  const link = element("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

// A cell that a spreadsheet would take for a formula gets a quote before it.
const cell = (value) => {
  const text = value === null || value === undefined ? "" : String(value);
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

export const csv = (rows) => `${rows.map((row) => row.map(cell).join(",")).join("\n")}\n`;

export function table(caption, head, rows, options = {}) {
  const header = element("thead", {}, element("tr", {}, ...head.map((name) => element("th", { scope: "col", text: name }))));
  const body = element("tbody", {}, ...rows.map((row) => {
    const cells = row.cells ?? row;
    return element("tr", { class: row.class }, ...cells.map((value, place) => {
      const content = value instanceof Node ? value : null;
      const made = element(place ? "td" : "th", place ? {} : { scope: "row" });
      if (content) made.append(content); else made.textContent = typeof value === "number" ? shown(value) : value ?? "–";
      return made;
    }));
  }));
  const made = element("table", {}, element("caption", { text: caption }), header, body);
  const figure = element("figure", { class: "table", tabindex: 0, "aria-label": caption }, made);
  if (options.file) {
    const plain = () => csv([head, ...rows.map((row) => (row.cells ?? row).map((one) => (one instanceof Node ? one.textContent : one)))]);
    figure.append(element("button", { type: "button", class: "small", text: "Table as CSV", onclick: () => download(options.file, plain(), "text/csv") }));
  }
  return figure;
}

export const notice = (text) => element("div", { class: "notice", text });
