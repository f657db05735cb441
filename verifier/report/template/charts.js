// Charts: drawn anew for each width, so that their texts keep their size. Each has a table with its numbers.

const LOOKS = 7; // the page's style has so many colours, and as many marks and dashes are here
const MARKS = ["circle", "square", "triangle", "diamond", "cross", "down", "plus"];
const DASHES = ["", "6 3", "8 3 2 3", "2 3", "12 3", "4 2", "1 2"];

// A figure around what `render(width)` draws.
function figure(content, legend, numbers, render) {
  const canvas = make("div", { class: "canvas" });
  const titleId = newId();
  let width = 0;
  new ResizeObserver(() => {
    if (canvas.clientWidth === width || canvas.clientWidth === 0) return;
    width = canvas.clientWidth;
    const svg = render(width);
    filled(svg, { role: "img", "aria-label": content.summary }, []);
    canvas.replaceChildren(svg);
  }).observe(canvas);
  return make("figure", { "aria-labelledby": titleId },
    make("figcaption", { id: titleId }, content.title),
    legend,
    canvas,
    content.note ? make("p", { class: "note" }, content.note) : null,
    numbers ? disclosure("Numbers", numbers) : null,
  );
}

function surface(width, height) {
  return draw("svg", { width, height, viewBox: `0 0 ${width} ${height}` });
}

function label(x, y, text, anchor = "middle", kind = null) {
  return draw("text", { x, y, "text-anchor": anchor, class: kind }, text);
}

function rule(x1, y1, x2, y2, kind) {
  return draw("line", { x1, y1, x2, y2, class: kind });
}

const linear = (low, high, from, to) => (value) => from + ((value - low) / (high - low || 1)) * (to - from);

function roundTicks(low, high, count) {
  const rough = (high - low || 1) / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((each) => each >= rough * 0.999);
  const ticks = [];
  for (let place = Math.ceil(low / step - 1e-9); place * step <= high + step * 1e-9; place += 1) ticks.push(place * step);
  return ticks;
}

// The 1, 2 and 5 of each decade, or fewer of them where there are many decades.
function logTicks(low, high) {
  const digits = high / low > 1e4 ? [1] : high / low > 100 ? [1, 3] : [1, 2, 5];
  const ticks = [];
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const stride = Math.max(1, Math.ceil((last - first) / 8));
  for (let power = first; power <= last; power += stride) {
    for (const digit of digits) {
      const value = digit * 10 ** power;
      if (value >= low * 0.999 && value <= high * 1.001) ticks.push(value);
    }
  }
  return ticks.length > 1 ? ticks : [low, high];
}

const shortNumber = (value) => written(value, Math.abs(value) >= 10000 ? "large" : "loss");

// Histogram ------------------------------------------------------------------------------------------------------------

function histogram(content) {
  const { edges, groups, mark } = content;
  const isAlone = groups.length === 1;
  const numbers = () => {
    const ends = (values) => [values[0], ...values[1], values[2]];
    const counts = groups.map((group) => ends([group.below, group.counts, group.above]));
    const names = ends([
      `to ${written(edges[0], "quality")}`,
      edges.slice(1).map((edge) => `to ${written(edge, "quality")}`),
      "higher",
    ]);
    const rows = names.map((name, place) => [name, ...counts.map((each) => written(each[place], "integer"))]);
    return plainTable(content.title, [content.axis, ...groups.map((group) => group.name || "claims")], rows, 1);
  };
  return figure(content, null, numbers, (width) => {
    const [left, right, top, rowHeight] = [8, 8, 42, isAlone ? 160 : 84];
    const height = top + groups.length * rowHeight + 36;
    const svg = surface(width, height);
    const x = linear(edges[0], edges.at(-1), left, width - right);
    groups.forEach((group, place) => svg.append(bars(content, group, x, top + place * rowHeight, rowHeight, isAlone)));
    const bottom = top + groups.length * rowHeight;
    const ticks = roundTicks(edges[0], edges.at(-1), width / 80);
    for (const tick of ticks) {
      svg.append(rule(x(tick), bottom, x(tick), bottom + 4, "axis"), tickLabel(x(tick), bottom + 17, width, shortNumber(tick)));
      svg.append(tickLabel(x(tick), top - 8, width, shortNumber(1 - tick / 1e6), "quiet"));
    }
    svg.append(
      rule(left, bottom, width - right, bottom, "axis"),
      rule(x(mark), top - 2, x(mark), bottom, "mark"),
      label(width - right, bottom + 32, content.axis, "end", "quiet"),
      label(left, bottom + 32, content.mark_label, "start", "quiet"),
      label(width - right, top - 24, content.second_axis, "end", "quiet"),
    );
    return svg;
  });
}

// The label of a tick, which stays inside the chart.
function tickLabel(x, y, width, text, kind = null) {
  return label(x, y, text, x < 22 ? "start" : x > width - 22 ? "end" : "middle", kind);
}

function bars(content, group, x, top, height, isAlone) {
  const { edges, mark } = content;
  const most = Math.max(...group.counts, 1);
  const y = linear(0, most, top + height, top + 26);
  const row = draw("g");
  group.counts.forEach((count, place) => {
    if (count === 0) return;
    const [from, to] = [x(edges[place]), x(edges[place + 1])];
    row.append(draw("rect", {
      x: from + 0.5, y: y(count), width: Math.max(to - from - 1, 1), height: top + height - y(count),
      class: edges[place] >= mark ? "good bar" : "bar",
    }, draw("title", {}, `${written(edges[place], "quality")} to ${written(edges[place + 1], "quality")}: ${count}`)));
  });
  const [first, last] = [x(edges[0]), x(edges.at(-1))];
  const texts = [isAlone ? "" : group.name, `most in a bar: ${written(most, "integer")}`].filter(Boolean).join(" \u00b7 ");
  row.append(label(first, top + 16, texts, "start", isAlone ? "quiet halo" : "halo"));
  if (group.below) row.append(label(first, top + height - 6, `\u2190 ${written(group.below, "integer")} lower`, "start", "quiet halo"));
  if (group.above) row.append(label(last, top + height - 6, `${written(group.above, "integer")} higher \u2192`, "end", "quiet halo"));
  if (!isAlone) row.append(rule(first, top + height, last, top + height, "grid"));
  return row;
}

// Spread ---------------------------------------------------------------------------------------------------------------

function spread(content) {
  const { rows, mark, guide } = content;
  const numbers = () => {
    const order = [...new Set(rows.flatMap((row) => row.labels))];
    const found = rows.map((row) => new Map(row.labels.map((name, place) => [name, row.values[place]])));
    const cells = order.map((name) => [name, ...found.map((values) => written(values.get(name), "quality"))]);
    return plainTable(content.title, ["nonce", ...rows.map((row) => row.name)], cells);
  };
  const values = rows.flatMap((row) => [...row.values, row.low ?? mark, row.high ?? mark, guide ?? mark]);
  const [low, high, isCut] = usualRange(values, mark);
  return figure(content, null, numbers, (width) => {
    const [top, rowHeight] = [guide === null ? 8 : 24, 54];
    const bottom = top + rows.length * rowHeight;
    const svg = surface(width, bottom + 36);
    const x = linear(low, high, 14, width - 14);
    for (const tick of roundTicks(low, high, width / 110)) {
      svg.append(rule(x(tick), top, x(tick), bottom, "grid"), tickLabel(x(tick), bottom + 17, width, shortNumber(tick)));
    }
    svg.append(rule(x(mark), top, x(mark), bottom, "mark"));
    if (guide !== null) svg.append(...guideLine(x(Math.min(Math.max(guide, low), high)), top, bottom, width, content.guide_label));
    rows.forEach((row, place) => svg.append(dots(row, x, low, high, top + place * rowHeight, rowHeight)));
    svg.append(
      label(14, bottom + 32, content.mark_label, "start", "quiet"),
      label(width - 14, bottom + 32, content.axis + (isCut ? "; far ones at the edge" : ""), "end", "quiet"),
    );
    return svg;
  });
}

// A value to compare with: a line, and its name above it.
function guideLine(x, top, bottom, width, text) {
  return [rule(x, top - 4, x, bottom, "guide"), label(x, top - 8, text, x > width / 2 ? "end" : "start", "quiet")];
}

// From the lowest to the highest value, unless a few are so far that they would squeeze all others.
function usualRange(values, mark) {
  const sorted = values.concat(mark).sort((a, b) => a - b);
  const [low, high] = [0.04, 0.96].map((part) => sorted[Math.round(part * (sorted.length - 1))]);
  const pad = (high - low || 1) * 0.6;
  const [from, to] = [Math.max(sorted[0], Math.min(low - pad, mark)), Math.min(sorted.at(-1), Math.max(high + pad, mark))];
  return [from, from === to ? from + 1 : to, from > sorted[0] || to < sorted.at(-1)];
}

function dots(row, x, low, high, top, height) {
  const [middle, clip] = [top + height * 0.66, (value) => Math.min(Math.max(value, low), high)];
  // At the same height in every row: the golden ratio's multiples are far apart for neighbours.
  const shift = (name, place) => ((Number(name) || place) * 0.6180339887498949) % 1 - 0.5;
  const path = row.values.map((value, place) => `M${x(clip(value)).toFixed(1)} ${(middle + shift(row.labels[place], place) * height * 0.4).toFixed(1)}h0`);
  const [meanX, size] = [x(clip(row.mean)), 5];
  return draw("g", {},
    label(x(low), top + 14, `${row.name} \u00b7 mean ${written(row.mean, "quality")}`, "start", "halo"),
    draw("path", { d: path.join(""), class: "dots" }),
    row.low === null ? null : draw("path", { d: `M${x(clip(row.low))} ${middle}H${x(clip(row.high))}`, class: "interval" }),
    draw("path", { d: `M${meanX} ${middle - size}l${size} ${size}l${-size} ${size}l${-size} ${-size}z`, class: "mean" }),
  );
}

// Panels ---------------------------------------------------------------------------------------------------------------

function panels(content) {
  const lines = content.panels[0].lines;
  const legend = make("ul", { class: "legend", "aria-hidden": "true" },
    ...lines.map((line, place) => legendEntry(line.name, place)),
    ...content.panels[0].guides.map((line, place) => legendEntry(line.name, place, "guide")));
  const numbers = () => make("div", {}, ...content.panels.map((panel) => panelNumbers(content, panel)));
  return figure(content, legend, numbers, (width) => {
    const columns = Math.max(1, Math.min(content.panels.length, Math.floor(width / 300)));
    const [panelWidth, panelHeight] = [width / columns, 280];
    const svg = surface(width, panelHeight * Math.ceil(content.panels.length / columns));
    const all = content.panels.flatMap((panel) => [...panel.lines, ...panel.guides]);
    const scales = { x: extent(all.flatMap((line) => line.x)), y: extent(all.flatMap((line) => line.y.filter((y) => y > 0))) };
    content.panels.forEach((panel, place) => {
      const at = [(place % columns) * panelWidth, Math.floor(place / columns) * panelHeight];
      svg.append(linePanel(content, panel, scales, at, panelWidth, panelHeight).group);
    });
    return svg;
  });
}

function legendEntry(name, place, kind = `line-${place % LOOKS}`) {
  const sample = draw("svg", { width: 34, height: 12 }, draw("path", { d: "M1 6H33", class: `${kind} line`, "stroke-dasharray": dash(place, kind) }));
  if (kind !== "guide") sample.append(markAt(17, 6, place, kind));
  return make("li", {}, sample, name);
}

const dash = (place, kind) => (kind === "guide" ? ["7 4", "2 3", "10 3 2 3"][place % 3] : DASHES[place % LOOKS]);

function extent(values) {
  const known = values.filter((value) => value !== null && Number.isFinite(value));
  return known.length ? [known.reduce((a, b) => Math.min(a, b)), known.reduce((a, b) => Math.max(a, b))] : [1, 1];
}

// One panel: what it drew, and its scales. Lines with few points have marks.
function linePanel(content, panel, scales, [left, top], width, height, hasMarks = true) {
  const [innerLeft, innerRight, innerTop, innerBottom] = [left + 44, left + width - 10, top + 26, top + height - 36];
  const [low, high] = scales.y[0] === scales.y[1] ? [scales.y[0] / 2, scales.y[1] * 2] : scales.y;
  const logY = linear(Math.log(low), Math.log(high), innerBottom - 4, innerTop + 4);
  const place = { x: linear(...scales.x, innerLeft + 8, innerRight - 8), y: (value) => logY(Math.log(value)) };
  const group = draw("g");
  for (const tick of logTicks(low, high)) {
    group.append(rule(innerLeft, place.y(tick), innerRight, place.y(tick), "grid"), label(innerLeft - 6, place.y(tick) + 4, shortNumber(tick), "end"));
  }
  for (const tick of roundTicks(...scales.x, Math.min(width / 70, scales.x[1] - scales.x[0]))) {
    group.append(rule(place.x(tick), innerBottom, place.x(tick), innerBottom + 4, "axis"), label(place.x(tick), innerBottom + 17, shortNumber(tick)));
  }
  group.append(
    rule(innerLeft, innerBottom, innerRight, innerBottom, "axis"),
    label(innerRight, innerBottom + 32, content.x_label, "end", "quiet"),
    label(left, top + 14, [content.y_label, panel.title].filter(Boolean).join(" \u00b7 "), "start", "quiet"),
  );
  panel.guides.forEach((line, index) => group.append(polyline(line, place, "guide line", dash(index, "guide"))));
  panel.lines.forEach((line, index) => {
    const kind = `line-${index % LOOKS}`;
    group.append(polyline(line, place, `${kind} line`, hasMarks || index ? dash(index, kind) : ""));
    if (hasMarks) group.append(...errorBars(line, place, kind), ...line.x.flatMap((x, at) => (line.y[at] > 0 ? [markAt(place.x(x), place.y(line.y[at]), index, kind)] : [])));
  });
  return { group, place, inner: [innerLeft, innerRight, innerTop, innerBottom] };
}

// A line is broken where there is no number, or none that has a logarithm.
function polyline(line, place, kind, dashes) {
  let isBroken = true;
  const path = line.x.map((x, at) => {
    const y = line.y[at];
    if (!(y > 0 && Number.isFinite(y))) {
      isBroken = true;
      return "";
    }
    const step = `${isBroken ? "M" : "L"}${place.x(x).toFixed(1)} ${place.y(y).toFixed(1)}`;
    isBroken = false;
    return step;
  });
  return draw("path", { d: path.join(""), class: kind, "stroke-dasharray": dashes || null });
}

function errorBars(line, place, kind) {
  return line.error.flatMap((error, at) => {
    const y = line.y[at];
    if (!(error > 0 && y > 0)) return [];
    const x = place.x(line.x[at]);
    return [rule(x, place.y(Math.max(y - error, y / 10)), x, place.y(y + error), `${kind} line`)];
  });
}

function markAt(x, y, index, kind) {
  const r = 3.5;
  const shapes = {
    circle: `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`,
    square: `M${x - r} ${y - r}h${2 * r}v${2 * r}h${-2 * r}z`,
    triangle: `M${x} ${y - r}l${r} ${2 * r}h${-2 * r}z`,
    diamond: `M${x} ${y - r}l${r} ${r}l${-r} ${r}l${-r} ${-r}z`,
    cross: `M${x - r} ${y - r}l${2 * r} ${2 * r}M${x - r} ${y + r}l${2 * r} ${-2 * r}`,
    down: `M${x} ${y + r}l${r} ${-2 * r}h${-2 * r}z`,
    plus: `M${x - r} ${y}h${2 * r}M${x} ${y - r}v${2 * r}`,
  };
  return draw("path", { d: shapes[MARKS[index % LOOKS]], class: `${kind} dot` });
}

function panelNumbers(content, panel) {
  const lines = [...panel.lines, ...panel.guides];
  const xs = [...new Set(lines.flatMap((line) => line.x))].sort((a, b) => a - b);
  const rows = xs.map((x) => [written(x, "integer"), ...lines.map((line) => {
    const at = line.x.indexOf(x);
    const [y, error] = [line.y[at] ?? null, line.error[at] ?? null];
    return written(y, "loss") + (error === null ? "" : ` \u00b1 ${written(error, "loss")}`);
  })]);
  return plainTable([content.title, panel.title].filter(Boolean).join(", "), [content.x_label, ...lines.map((line) => line.name)], rows);
}

const charts = { histogram, spread, panels };
