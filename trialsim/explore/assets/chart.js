// Charts as SVG: lines, bands, points and rules, drawn in a millisecond, with their numbers as a table.
import { csv, download, element, shown, table } from "/assets/page.js";

const SVG = "http://www.w3.org/2000/svg";
const DASHES = ["", "7 4", "2 3", "9 3 2 3", "12 4", "4 2"];
const MARGIN = { left: 58, right: 18, top: 14, bottom: 46 };
const FONT = "system-ui, sans-serif";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

function svg(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export function ticks(low, high, most = 6) {
  if (!(high > low)) return [low];
  const raw = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= raw);
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9) * step; at <= high + step * 1e-9; at += step) found.push(Number(at.toPrecision(12)));
  return found;
}

function ends(values, given) {
  const known = values.filter((one) => Number.isFinite(one));
  let low = given?.low ?? Math.min(...known), high = given?.high ?? Math.max(...known);
  if (!Number.isFinite(low) || !Number.isFinite(high)) [low, high] = [0, 1];
  if (low === high) [low, high] = [low - 1, high + 1];
  const room = (high - low) * 0.05;
  return [given?.low ?? low - room, given?.high ?? high + room];
}

export class Chart {
  // spec: { title, words, file, x: {label, low, high}, y: {label, low, high}, height,
  //         series: [{name, colour, points: [[x, y]], bands: [{level, points: [[x, low, high]]}], marks, lines}], rules: [{x | y, label}] }
  constructor(host) {
    this.host = host;
    this.frame = element("div", { class: "frame" });
    this.caption = element("figcaption");
    this.numbers = element("details", {}, element("summary", { text: "The numbers of this figure" }));
    this.numbers.addEventListener("toggle", () => this.fillNumbers());
    host.replaceChildren(element("figure", { class: "plot" }, this.frame, this.caption, this.numbers));
    new ResizeObserver(() => this.spec && this.frame.clientWidth !== this.width && this.paint()).observe(this.frame);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.spec && this.paint());
  }

  draw(spec) {
    this.spec = spec;
    this.paint();
    this.caption.textContent = spec.words;
    if (this.numbers.open) this.fillNumbers();
  }

  fillNumbers() {
    if (!this.numbers.open || !this.spec) return;
    while (this.numbers.children.length > 1) this.numbers.lastChild.remove();
    this.numbers.append(table(this.spec.title, ["series", this.spec.x.label, this.spec.y.label, "low", "high"], this.rows()));
  }

  rows() {
    return this.spec.series.flatMap((one) => one.points.map(([x, y], place) => {
      const band = one.bands?.at(-1)?.points[place];
      return [one.name, x, y, band ? band[1] : null, band ? band[2] : null];
    }));
  }

  paint() {
    const { spec } = this;
    this.width = Math.max(this.frame.clientWidth, 260);
    const height = spec.height ?? (this.width < 500 ? 260 : 320);
    const xs = spec.series.flatMap((one) => one.points.map((point) => point[0]));
    const ys = spec.series.flatMap((one) => [...one.points.map((point) => point[1]), ...(one.bands ?? []).flatMap((band) => band.points.flatMap((p) => [p[1], p[2]]))]);
    const [x0, x1] = ends([...xs, ...(spec.rules ?? []).filter((r) => "x" in r).map((r) => r.x)], spec.x);
    const [y0, y1] = ends([...ys, ...(spec.rules ?? []).filter((r) => "y" in r).map((r) => r.y)], spec.y);
    const right = this.width - MARGIN.right, bottom = height - MARGIN.bottom;
    this.place = {
      x: (value) => MARGIN.left + ((value - x0) / (x1 - x0)) * (right - MARGIN.left),
      y: (value) => bottom - ((value - y0) / (y1 - y0)) * (bottom - MARGIN.top),
      back: (pixel) => x0 + ((pixel - MARGIN.left) / (right - MARGIN.left)) * (x1 - x0),
    };
    const ink = { ink: colour("ink"), quiet: colour("quiet"), line: colour("line"), page: colour("page") };
    const root = svg("svg", { viewBox: `0 0 ${this.width} ${height}`, height, role: "img", "aria-label": `${spec.title}. ${spec.words}`, "font-family": FONT, "font-size": 12 });
    this.axes(root, { x0, x1, y0, y1, right, bottom, ink });
    const clip = `clip-${Math.random().toString(36).slice(2)}`;
    root.append(svg("clipPath", { id: clip }, svg("rect", { x: MARGIN.left, y: MARGIN.top - 6, width: right - MARGIN.left + 8, height: bottom - MARGIN.top + 8 })));
    const inside = svg("g", { "clip-path": `url(#${clip})` });
    spec.series.forEach((one, place) => this.series(inside, one, place));
    for (const rule of spec.rules ?? []) this.rule(inside, rule, { right, bottom, ink });
    root.append(inside);
    this.root = root;
    this.frame.replaceChildren(this.head(), this.legend(), root);
    this.hover(root, bottom);
  }

  head() {
    const name = this.spec.file ?? "figure";
    const button = (text, act) => element("button", { type: "button", class: "small", text, onclick: act });
    return element("div", { class: "head" }, element("p", { class: "title", text: this.spec.title }), element("span", {},
      button("SVG", () => download(`${name}.svg`, this.asText(), "image/svg+xml")), " ", button("PNG", () => this.png(name)), " ",
      button("CSV", () => download(`${name}.csv`, csv([["series", this.spec.x.label, this.spec.y.label, "low", "high"], ...this.rows()]), "text/csv"))));
  }

  legend() {
    return element("ul", { class: "legend", "aria-hidden": "true" }, ...this.spec.series.filter((one) => one.name).map((one) => {
      const at = this.spec.series.indexOf(one);
      const swatch = svg("svg", { viewBox: "0 0 28 10" });
      if (one.lines !== false) swatch.append(svg("line", { x1: 0, x2: 28, y1: 5, y2: 5, stroke: colour(one.colour), "stroke-width": 2.5, "stroke-dasharray": one.dash ?? DASHES[at % DASHES.length] }));
      if (one.marks) swatch.append(svg("circle", { cx: 14, cy: 5, r: 4, fill: colour(one.colour), "fill-opacity": one.faint ? 0.25 : 0.9 }));
      return element("li", {}, swatch, one.name);
    }));
  }

  axes(root, { x0, x1, y0, y1, right, bottom, ink }) {
    root.append(svg("rect", { width: this.width, height: "100%", fill: ink.page, rx: 6 }));
    const text = (content, attributes) => { const made = svg("text", { fill: ink.quiet, ...attributes }); made.textContent = content; return made; };
    for (const at of ticks(y0, y1, 5)) {
      const y = this.place.y(at);
      root.append(svg("line", { x1: MARGIN.left, x2: right, y1: y, y2: y, stroke: ink.line, "stroke-width": 1 }), text(shown(at), { x: MARGIN.left - 8, y: y + 4, "text-anchor": "end" }));
    }
    for (const at of ticks(x0, x1, this.width < 500 ? 4 : 8)) root.append(text(shown(at), { x: this.place.x(at), y: bottom + 18, "text-anchor": "middle" }));
    root.append(svg("line", { x1: MARGIN.left, x2: right, y1: bottom, y2: bottom, stroke: ink.quiet }));
    root.append(text(this.spec.x.label, { x: (MARGIN.left + right) / 2, y: bottom + 38, "text-anchor": "middle", fill: ink.ink }));
    const middle = (MARGIN.top + bottom) / 2;
    root.append(text(this.spec.y.label, { x: 14, y: middle, "text-anchor": "middle", fill: ink.ink, transform: `rotate(-90 14 ${middle})` }));
  }

  series(inside, one, place) {
    const stroke = colour(one.colour), at = (x, y) => `${this.place.x(x).toFixed(1)},${this.place.y(y).toFixed(1)}`;
    const known = (points) => points.filter((point) => point.every((value) => Number.isFinite(value)));
    for (const band of one.bands ?? []) {
      const points = known(band.points);
      const edge = [...points.map(([x, low]) => at(x, low)), ...points.toReversed().map(([x, , high]) => at(x, high))];
      inside.append(svg("polygon", { points: edge.join(" "), fill: stroke, "fill-opacity": 0.14 }));
    }
    const points = known(one.points.map((point) => point.slice(0, 2)));
    if (one.lines !== false) inside.append(svg("polyline", { points: points.map(([x, y]) => at(x, y)).join(" "), fill: "none", stroke, "stroke-width": 2.2, "stroke-dasharray": one.dash ?? DASHES[place % DASHES.length], "stroke-linejoin": "round" }));
    if (one.marks) for (const [x, y] of points) inside.append(svg("circle", { cx: this.place.x(x), cy: this.place.y(y), r: one.radius ?? 5, fill: stroke, "fill-opacity": one.faint ? 0.25 : 0.9 }));
  }

  rule(inside, rule, { right, bottom, ink }) {
    const x = "x" in rule ? this.place.x(rule.x) : null, y = "y" in rule ? this.place.y(rule.y) : null;
    const stroke = rule.colour ? colour(rule.colour) : ink.quiet;
    inside.append(svg("line", { x1: x ?? MARGIN.left, x2: x ?? right, y1: y ?? MARGIN.top, y2: y ?? bottom, stroke, "stroke-dasharray": "3 3" }));
    if (!rule.label) return;
    const late = x !== null && x > right - 90;
    const label = svg("text", { x: x === null ? MARGIN.left + 6 : x + (late ? -5 : 5), y: y === null ? bottom - 8 - 15 * (rule.row ?? 0) : y - 5, fill: stroke, "text-anchor": late ? "end" : "start", "paint-order": "stroke", stroke: ink.page, "stroke-width": 3 });
    label.textContent = rule.label;
    inside.append(label);
  }

  hover(root, bottom) {
    const tip = element("div", { class: "tip", hidden: true, "aria-hidden": "true" }), guide = svg("line", { y1: MARGIN.top, y2: bottom, stroke: colour("quiet"), "stroke-opacity": 0.5, visibility: "hidden" });
    root.append(guide);
    this.frame.append(tip);
    root.addEventListener("pointermove", (event) => {
      const box = root.getBoundingClientRect(), x = this.place.back(event.clientX - box.left);
      const near = this.spec.series.map((one) => [one, one.points.reduce((best, point) => (best === null || Math.abs(point[0] - x) < Math.abs(best[0] - x) ? point : best), null)]).filter(([, point]) => point);
      if (!near.length) return;
      const first = near.reduce((best, [, point]) => (Math.abs(point[0] - x) < Math.abs(best - x) ? point[0] : best), near[0][1][0]);
      tip.replaceChildren(element("div", {}, element("b", { text: `${this.spec.x.label} ${shown(first)}` })), ...near.filter(([, point]) => Math.abs(point[0] - first) < 1e-9).slice(0, 6).map(([one, point]) => element("div", {}, element("span", { text: one.name || "" }), element("span", { text: point[2] ?? shown(point[1]) }))));
      guide.setAttribute("x1", this.place.x(first)); guide.setAttribute("x2", this.place.x(first)); guide.setAttribute("visibility", "visible");
      tip.hidden = false;
      const left = this.place.x(first) + 12;
      tip.style.left = `${left + tip.offsetWidth > this.width ? left - tip.offsetWidth - 24 : left}px`;
      tip.style.top = "4rem";
    });
    root.addEventListener("pointerleave", () => { tip.hidden = true; guide.setAttribute("visibility", "hidden"); });
  }

  asText() {
    const copy = this.root.cloneNode(true);
    copy.setAttribute("xmlns", SVG);
    copy.setAttribute("width", this.width);
    return new XMLSerializer().serializeToString(copy);
  }

  png(name) {
    const image = new Image(), scale = 2;
    image.onload = () => {
      const canvas = element("canvas", { width: this.width * scale, height: this.root.getAttribute("height") * scale });
      const pen = canvas.getContext("2d");
      pen.scale(scale, scale);
      pen.drawImage(image, 0, 0);
      canvas.toBlob((blob) => download(`${name}.png`, blob, "image/png"));
    };
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(this.asText())}`;
  }
}
