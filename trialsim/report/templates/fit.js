// Plotly breaks no line and does not follow a change of paper. This breaks titles and labels into lines that fit the width, on a phone and in print.
function broken(text, most) {
  const lines = [];
  for (const word of String(text).split(" ")) {
    const last = lines.length - 1;
    if (last >= 0 && lines[last].length + 1 + word.length <= most) lines[last] += " " + word; else lines.push(word);
  }
  return lines.join("<br>");
}
const rows = (text) => String(text).split("<br>").length;
function labelsOf(plot, axis) {
  const given = plot.layout[axis + "axis"] ?? {};
  if (given.ticktext) return { values: [...given.tickvals], texts: [...given.ticktext] };
  const found = [...new Set(plot.data.flatMap((one) => Array.isArray(one[axis]) ? one[axis] : []).filter((one) => typeof one === "string"))];
  return { values: found, texts: found };
}
function fit(plot) {
  const wide = plot.parentElement.clientWidth;
  if (!wide) return null;
  const layout = plot.layout;
  plot.asMade ??= { height: layout.height, x: layout.xaxis?.title?.text ?? "", y: layout.yaxis?.title?.text ?? "", labels: { x: labelsOf(plot, "x"), y: labelsOf(plot, "y") } };
  const { labels, ...made } = plot.asMade, wanted = {};
  let left = 70, height = made.height * (document.documentElement.classList.contains("paper") ? 0.8 : 1);
  if (labels.y.texts.length) {
    const texts = labels.y.texts.map((text) => broken(text, Math.max(14, Math.floor(wide * (wide < 600 ? 0.42 : 0.46) / 6.6))));
    left = 6.6 * Math.max(...texts.flatMap((text) => text.split("<br>").map((line) => line.length)));
    height = Math.max(height, 150 + texts.length * (15 * Math.max(...texts.map(rows)) + 5));
    Object.assign(wanted, { "yaxis.tickmode": "array", "yaxis.tickvals": labels.y.values, "yaxis.ticktext": texts });
  }
  const inside = wide - left - 20;
  if (labels.x.texts.length) {
    const texts = labels.x.texts.map((text) => broken(text, Math.max(8, Math.floor(inside / labels.x.texts.length / 7))));
    Object.assign(wanted, { "xaxis.tickmode": "array", "xaxis.tickvals": labels.x.values, "xaxis.ticktext": texts, "xaxis.tickangle": texts.length > 8 ? "auto" : 0 });
  } else {
    Object.assign(wanted, { "xaxis.nticks": inside < 300 ? 5 : 0, "xaxis.tickangle": 0 });
  }
  const x = broken(made.x, Math.max(16, Math.floor(inside / 8.5))), y = broken(made.y, Math.max(16, Math.floor((height - 160) / 7.5)));
  Object.assign(wanted, { "xaxis.title.text": x, "yaxis.title.text": y, "xaxis.automargin": true, "yaxis.automargin": true, height: height + 18 * (rows(x) - 1), autosize: true });
  const key = JSON.stringify([wide, wanted]);
  if (plot.fitted === key) return null;
  // As it was made it fits a screen: nothing is drawn twice there.
  const fits = !plot.fitted && wanted.height === made.height && inside >= 300 && !key.includes("<br>");
  plot.fitted = key;
  if (fits) return null;
  plot.style.height = plot.parentElement.style.height = `${wanted.height}px`;
  return Plotly.relayout(plot, wanted);
}
const plots = () => [...document.querySelectorAll(".js-plotly-plot")];
const fitAll = () => Promise.all(plots().map(fit));
// A table that is wider than the paper is made smaller: paper does not scroll.
function onPaper(on) {
  document.documentElement.classList.toggle("paper", on);
  for (const one of document.querySelectorAll("figure.table > table")) {
    one.style.zoom = "";
    const share = one.parentElement.clientWidth / one.scrollWidth;
    if (on && share > 0 && share < 1) one.style.zoom = Math.max(0.4, share - 0.01);
  }
  return fitAll();
}
addEventListener("beforeprint", () => onPaper(true));
addEventListener("afterprint", () => onPaper(false));
let waiting;
addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(fitAll, 120); });
fitAll();
