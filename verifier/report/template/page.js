// The page: what `content.py` says, from top to bottom.

const page = JSON.parse(byId("content").textContent);

byId("lead").textContent = page.lead;
byId("figures").append(...page.figures.filter(({ value }) => value !== null).map(({ label: name, value, form, note }) => make("div", {},
  make("dt", {}, name), make("dd", {}, written(value, form)), note ? make("dd", { class: "note" }, note) : null)));
byId("problems").append(...page.problems.map((each) => remarks(each, "problem")));
byId("charts").append(...page.charts.map((chart) => charts[chart.kind](chart)));
byId("summaries").append(...page.summaries.map(shortTable));
byId("remarks").append(...page.remarks.map((each) => remarks(each, "remark")));

// Of what failed the first lines, and the others for who wants to see them.
function remarks({ title, lines, more }, kind) {
  const shown = kind === "problem" ? lines.slice(0, 5) : lines;
  const others = [...lines.slice(shown.length), ...(more ? [`and ${written(more, "integer")} more`] : [])];
  const list = (texts) => make("ul", {}, ...texts.map((line) => make("li", {}, line)));
  return make("section", { class: kind }, make("h2", {}, title), list(shown),
    others.length ? disclosure(`${written(lines.length - shown.length + more, "integer")} more`, () => list(others)) : null);
}

if (page.table.columns[0]?.values.length) {
  const epochs = page.table.columns.find((column) => column.name === "epochs")?.values ?? [];
  const detail = new Detail(byId("detail"), page, new Losses(page.losses, epochs));
  const table = new LongTable(byId("table"), page.table, (row, order) => detail.show(table, row, order));
} else {
  byId("table").remove();
  document.querySelector(".skip").remove();
}

byId("made").append(...page.made.map(({ title, facts, note }) => make("section", {},
  make("h3", {}, title), factList(facts), note ? make("p", { class: "note" }, note) : null)));
