// The detail of a row: a dialog with its losses, its facts, and what is attached to it.

class Detail {
  constructor(dialog, page, losses) {
    this.dialog = dialog;
    this.page = page;
    this.losses = losses;
    this.back = make("button", { type: "button", onclick: () => this.move(-1) }, "Previous");
    this.forth = make("button", { type: "button", onclick: () => this.move(1) }, "Next");
    const close = make("button", { type: "button", onclick: () => dialog.close() }, "Close");
    this.title = make("h2", { id: "detail-title", tabindex: "-1" });
    this.place = make("span", { class: "quiet" });
    this.body = make("div", { class: "detail-body" });
    dialog.append(make("header", {}, make("nav", { "aria-label": "Other rows" }, this.back, this.forth, this.place, close), this.title), this.body);
    dialog.addEventListener("keydown", (event) => this.press(event));
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close(); // beside it
    });
    dialog.addEventListener("close", () => this.table.focus(this.row));
  }

  // Show a row; `order` are the rows that the buttons and the arrow keys go through.
  show(table, row, order) {
    [this.table, this.order] = [table, order];
    this.turnTo(row);
    this.dialog.showModal();
    this.title.focus();
  }

  press(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by === undefined || event.target.matches("input") || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.move(by);
  }

  move(by) {
    const row = this.order[this.order.indexOf(this.row) + by];
    if (row === undefined) return;
    this.turnTo(row);
    this.title.focus();
  }

  turnTo(row) {
    this.row = row;
    const { columns } = this.page.table;
    const at = this.order.indexOf(row);
    this.title.textContent = columns[0].values[row];
    this.place.textContent = `${written(at + 1, "integer")} of ${written(this.order.length, "integer")}`;
    this.back.disabled = at === 0;
    this.forth.disabled = at === this.order.length - 1;
    const curves = make("div");
    this.body.replaceChildren(curves, this.facts(row), ...this.attached(row), ...this.choices(row));
    this.dialog.scrollTop = 0;
    this.losses.of(row).then(
      (found) => {
        if (found && this.row === row) curves.append(lossFigure(found, this.bestEpoch(row)));
      },
      () => curves.append(make("p", { class: "note" }, "This browser cannot inflate the losses; use a newer one.")),
    );
  }

  bestEpoch(row) {
    return this.page.table.columns.find((column) => column.name === "best epoch")?.values[row] ?? 0;
  }

  facts(row) {
    const columns = this.page.table.columns.slice(1).filter((column) => column.values[row] !== null);
    return factList(columns.map((column) => ({ label: column.name, ...this.value(column, row) })));
  }

  value(column, row) {
    if (isChoices(column)) return { value: cellText(column, row), form: "text" };
    return { value: column.values[row], form: column.form === "large" ? "integer" : column.form };
  }

  // What is told of the choices that a row has.
  choices(row) {
    return this.page.table.columns
      .filter((column) => isChoices(column) && column.values[row] !== null && column.choices[column.values[row]].facts.length)
      .map((column) => make("section", {}, make("h3", {}, `Its ${column.name}`), factList(column.choices[column.values[row]].facts)));
  }

  attached(row) {
    return this.page.attached.flatMap((table) => table.rows.flatMap((owner, place) => {
      if (owner !== row) return [];
      const columns = table.columns.filter((column) => column.values[place] !== null);
      return [make("section", {}, make("h3", {}, table.title),
        factList(columns.map((column) => ({ label: column.name, ...this.value(column, place) }))))];
    }));
  }
}

// Both losses by epoch, with the best epoch; a slider reads them, by pointer and by keys.
function lossFigure(found, best) {
  const { epochs, train, validation } = found;
  const line = (name, y) => ({ name, x: epochs, y, error: [] });
  const panel = { title: "", lines: [line("training", train), line("validation", validation)], guides: [] };
  const content = { x_label: "epoch", y_label: "loss", title: "Losses by epoch", panels: [panel] };
  content.summary = `Training and validation loss over ${epochs.at(-1)} epochs, the best epoch is ${best}`;
  if (epochs.length < epochs.at(-1)) content.note = `Of ${written(epochs.at(-1), "integer")} epochs ${written(epochs.length, "integer")} are drawn.`;
  const scales = { x: [1, epochs.at(-1)], y: extent([...train, ...validation].filter((y) => y > 0)) };
  const reading = make("output", { class: "reading" });
  const slider = make("input", { type: "range", min: 0, max: epochs.length - 1, step: 1, "aria-label": "Epoch to read" });
  let cursor = null;
  let drawn = null;
  const read = () => {
    const at = Number(slider.value);
    const text = `epoch ${written(epochs[at], "integer")}: training ${written(train[at], "reading")}, validation ${written(validation[at], "reading")}`;
    reading.textContent = text;
    slider.setAttribute("aria-valuetext", text);
    if (!drawn) return;
    const x = drawn.place.x(epochs[at]);
    for (const end of ["x1", "x2"]) cursor.setAttribute(end, x);
  };
  const nearest = (epoch) => epochs.reduce((a, b, at) => (Math.abs(b - epoch) < Math.abs(epochs[a] - epoch) ? at : a), 0);
  slider.value = nearest(best || epochs.at(-1));
  slider.addEventListener("input", read);
  const legend = make("ul", { class: "legend", "aria-hidden": "true" }, ...panel.lines.map(({ name }, place) => legendSample(name, place)));
  const numbers = () => plainTable(content.title, ["epoch", "training", "validation"],
    epochs.map((epoch, at) => [written(epoch, "integer"), written(train[at], "reading"), written(validation[at], "reading")]));
  const whole = figure(content, legend, numbers, (width) => {
    const height = Math.min(300, Math.max(200, width * 0.45));
    const svg = surface(width, height);
    drawn = linePanel(content, panel, scales, [0, 0], width, height, false);
    const [innerLeft, innerRight, innerTop, innerBottom] = drawn.inner;
    if (best > 0) {
      const x = drawn.place.x(best);
      const isLeft = x < (innerLeft + innerRight) / 2;
      drawn.group.append(rule(x, innerTop, x, innerBottom, "mark"), label(x + (isLeft ? 5 : -5), innerTop + 10, `best ${best}`, isLeft ? "start" : "end", "quiet halo"));
    }
    cursor = rule(0, innerTop, 0, innerBottom, "cursor");
    svg.append(drawn.group, cursor);
    svg.addEventListener("pointermove", (event) => {
      const part = (event.offsetX - drawn.place.x(1)) / (drawn.place.x(epochs.at(-1)) - drawn.place.x(1) || 1);
      slider.value = nearest(1 + part * (epochs.at(-1) - 1));
      read();
    });
    read();
    return svg;
  });
  whole.querySelector(".canvas").after(make("div", { class: "reader" }, slider, reading));
  return whole;
}

function legendSample(name, place) {
  const path = draw("path", { d: "M1 6H33", class: `line-${place} line`, "stroke-dasharray": place ? dash(place, "") : null });
  return make("li", {}, draw("svg", { width: 34, height: 12 }, path), name);
}
