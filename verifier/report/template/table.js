// Tables. A short one is shown as it is; the rows of a long one are searched, chosen, sorted, and shown a page at a time.

const SIZES = [50, 200, 1000];
const MOST_CHOICES = 60; // in a list to choose from
const collator = new Intl.Collator("en", { numeric: true });

const isChoices = (column) => "choices" in column;

function cellText(column, row) {
  const value = column.values[row];
  return isChoices(column) ? (value === null ? "" : column.choices[value].label) : written(value, column.form);
}

const isNumberColumn = (column) => !isChoices(column) && isNumeric(column.form);

function cellKind(column) {
  return [isNumberColumn(column) ? "number" : column.form ?? null, column.rank > 1 ? `rank-${column.rank}` : null]
    .filter(Boolean).join(" ") || null;
}

function cells(columns, row, name) {
  return columns.map((column, place) => (place === 0
    ? make("th", { scope: "row", class: cellKind(column) }, name)
    : make("td", { class: cellKind(column) }, outcomeMark(column, row), cellText(column, row))));
}

// A sign beside an outcome, so that nobody has to tell it by its colour, or to read it to the end.
function outcomeMark(column, row) {
  const sign = { accepted: "\u2713", rejected: "\u2717", undetermined: "?", yes: "\u2713" }[cellText(column, row)];
  return sign && isChoices(column) ? make("span", { class: `sign ${cellText(column, row)}`, "aria-hidden": "true" }, sign) : null;
}

function shortTable(content) {
  const columns = content.columns.filter((column) => column.rank > 0);
  const heads = columns.map((column) => make("th", { scope: "col", class: cellKind(column) }, column.name));
  const rows = content.columns[0].values.map((name, row) => make("tr", {}, ...cells(columns, row, name)));
  return make("section", {},
    make("h2", {}, content.title),
    scroller(content.title, make("table", {}, make("caption", { class: "hidden" }, content.title),
      make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows))),
    content.note ? make("p", { class: "note" }, content.note) : null,
  );
}

class LongTable {
  // `open(row, order)` shows the detail of a row, among the rows that are chosen, in their order.
  constructor(section, content, open) {
    this.content = content;
    this.open = open;
    this.columns = content.columns.filter((column) => column.rank > 0);
    this.count = content.columns[0].values.length;
    this.words = "";
    this.chosen = new Map(); // of columns: the place of their choice
    this.sorted = null; // the column, and whether it descends
    this.size = SIZES[0];
    this.body = make("tbody");
    this.status = make("p", { role: "status" });
    this.heads = this.columns.map((column) => this.head(column));
    const title = make("h2", { id: "table-title" }, content.title);
    const table = make("table", { "aria-labelledby": "table-title" }, make("thead", {}, make("tr", {}, ...this.heads)), this.body);
    section.append(title, this.controls(), scroller(content.title, table), this.pager(),
      ...(content.note ? [make("p", { class: "note" }, content.note)] : []));
    this.update();
  }

  head(column) {
    const sort = () => this.sort(column);
    return make("th", { scope: "col", class: cellKind(column) }, make("button", { type: "button", onclick: sort }, column.name));
  }

  controls() {
    const search = (event) => {
      this.words = event.target.value.trim().toLowerCase();
      this.update();
    };
    const box = make("input", { type: "search", id: newId(), oninput: search, autocomplete: "off", spellcheck: "false" });
    const lists = this.columns.filter((column) => isChoices(column) && column.choices.length > 1 && column.choices.length <= MOST_CHOICES);
    return make("form", { class: "controls", role: "search", onsubmit: (event) => event.preventDefault() },
      make("span", {}, make("label", { for: box.id }, "Search"), box), ...lists.map((column) => this.list(column)));
  }

  list(column) {
    const counts = new Array(column.choices.length).fill(0);
    for (const value of column.values) if (value !== null) counts[value] += 1;
    const options = column.choices.map(({ label: text }, place) => make("option", { value: place }, `${text} (${written(counts[place], "integer")})`));
    const choose = (event) => {
      if (event.target.value === "") this.chosen.delete(column);
      else this.chosen.set(column, Number(event.target.value));
      this.update();
    };
    const list = make("select", { id: newId(), onchange: choose }, make("option", { value: "" }, "all"), ...options);
    return make("span", {}, make("label", { for: list.id }, column.name), list);
  }

  pager() {
    const turn = (by) => () => this.turnTo(this.first + by * this.size);
    this.back = make("button", { type: "button", onclick: turn(-1) }, "Previous");
    this.forth = make("button", { type: "button", onclick: turn(1) }, "Next");
    const resize = (event) => {
      this.size = Number(event.target.value);
      this.turnTo(0);
    };
    const sizes = make("select", { id: newId(), onchange: resize }, ...SIZES.map((size) => make("option", { value: size }, written(size, "integer"))));
    this.turning = make("span", { class: "turning" }, this.back, this.forth);
    this.sizing = make("span", { class: "turning" }, make("label", { for: sizes.id }, "Rows"), sizes);
    return make("nav", { class: "pager", "aria-label": "Pages of the table" }, this.status, this.turning, this.sizing);
  }

  sort(column) {
    const descends = this.sorted?.column === column ? !this.sorted.descends : isNumberColumn(column);
    this.sorted = { column, descends };
    this.columns.forEach((each, place) => {
      if (each === column) this.heads[place].setAttribute("aria-sort", descends ? "descending" : "ascending");
      else this.heads[place].removeAttribute("aria-sort");
    });
    this.update();
  }

  // Choose and sort the rows anew, and show the first page of them.
  update() {
    const order = [];
    for (let row = 0; row < this.count; row += 1) if (this.has(row)) order.push(row);
    if (this.sorted) sortRows(order, this.sorted.column, this.sorted.descends);
    this.order = order;
    this.turnTo(0);
  }

  has(row) {
    for (const [column, place] of this.chosen) if (column.values[row] !== place) return false;
    return this.words === "" || this.words.split(/\s+/).every((word) => this.haystack(row).includes(word));
  }

  // All texts of a row.
  haystack(row) {
    this.haystacks ??= [];
    this.haystacks[row] ??= this.content.columns.filter((column) => !isNumberColumn(column) || column.name === "nonce")
      .map((column) => cellText(column, row)).join("\n").toLowerCase();
    return this.haystacks[row];
  }

  turnTo(first) {
    this.first = Math.max(0, Math.min(first, Math.floor((this.order.length - 1) / this.size) * this.size));
    const rows = this.order.slice(this.first, this.first + this.size);
    this.body.replaceChildren(...rows.map((row) => make("tr", { "data-row": row }, ...cells(this.columns, row, this.name(row)))));
    const [from, to, all] = [this.first + 1, this.first + rows.length, this.order.length].map((each) => written(each, "integer"));
    const of = this.order.length < this.count ? ` of ${written(this.count, "integer")}` : "";
    this.status.textContent = rows.length === 0 ? `no row${of} is like that` : `${from} to ${to} of ${all}${of ? `, chosen${of}` : ""}`;
    this.back.disabled = this.first === 0;
    this.forth.disabled = this.first + this.size >= this.order.length;
    this.turning.hidden = this.order.length <= this.size;
    this.sizing.hidden = this.count <= SIZES[0];
  }

  name(row) {
    const text = this.columns[0].values[row];
    if (!this.content.has_detail) return text;
    return make("button", { type: "button", "aria-haspopup": "dialog", onclick: () => this.open(row, this.order) }, text);
  }

  // Put the focus on the name of a row, on its page.
  focus(row) {
    const at = this.order.indexOf(row);
    if (at < this.first || at >= this.first + this.size) this.turnTo(Math.floor(at / this.size) * this.size);
    this.body.querySelector(`tr[data-row="${row}"] button`)?.focus();
  }
}

// Rows without a value are last, whichever way.
function sortRows(order, column, descends) {
  const keys = isChoices(column)
    ? column.values.map((value) => (value === null ? null : column.choices[value].label))
    : column.values.map((value) => sortKey(value, column.form));
  const compare = isNumberColumn(column) ? (a, b) => (a < b ? -1 : a > b ? 1 : 0) : (a, b) => collator.compare(a, b);
  order.sort((a, b) => {
    if (keys[a] === null || keys[b] === null) return (keys[a] === null) - (keys[b] === null);
    return descends ? compare(keys[b], keys[a]) : compare(keys[a], keys[b]);
  });
}
