// The page: what `content.py` says, from top to bottom.

const page = JSON.parse(byId("content").textContent);

byId("lead").textContent = page.lead;
byId("figures").append(...page.figures.filter(({ value }) => value !== null).map(({ label: name, value, form, note }) => make("div", {},
  make("dt", {}, name), make("dd", {}, written(value, form)), note ? make("dd", { class: "note" }, note) : null)));
byId("problems").append(...page.problems.map((each) => remarks(each, "problem")));
byId("charts").append(...page.charts.map((chart) => charts[chart.kind](chart)));
byId("summaries").append(...page.summaries.map(shortTable));
byId("remarks").append(...page.remarks.map((each) => remarks(each, "remark")));

function remarks({ title, lines, more }, kind) {
  return make("section", { class: kind }, make("h2", {}, title), make("ul", {},
    ...lines.map((line) => make("li", {}, line)),
    more ? make("li", {}, `and ${written(more, "integer")} more`) : null));
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
