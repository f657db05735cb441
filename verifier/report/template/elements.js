// Elements of the page. Every text becomes a text node: nothing that a stranger wrote is ever read as HTML.

function make(tag, properties = {}, ...children) {
  return filled(document.createElement(tag), properties, children);
}

function draw(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const byId = (id) => document.getElementById(id);

let ids = 0;
const newId = () => `id-${(ids += 1)}`;

// A list of facts, each a name with its value.
function factList(facts) {
  return make("dl", { class: "facts" }, ...facts.map(({ label, value, form, note }) => {
    const text = written(value, form);
    return make("div", {}, make("dt", {}, label),
      make("dd", { class: form }, text === "" ? "none" : text, note ? make("span", { class: "note" }, ` ${note}`) : null));
  }));
}

// A plain table of texts, for the numbers of a chart; a column is numeric if `numericFrom` is at most its place.
function plainTable(caption, heads, rows, numericFrom = 0) {
  const kind = (place) => (place >= numericFrom ? "number" : null);
  return scroller(caption, make("table", {},
    make("caption", { class: "hidden" }, caption),
    make("thead", {}, make("tr", {}, ...heads.map((head, place) => make("th", { scope: "col", class: kind(place) }, head)))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((cell, place) => (
      place === 0 ? make("th", { scope: "row", class: kind(place) }, cell) : make("td", { class: kind(place) }, cell)
    ))))),
  ));
}

// Wide things scroll in a region of their own, also by keys, so that the page never has to.
function scroller(label, child) {
  const region = make("div", { class: "scroller" }, child);
  new ResizeObserver(() => {
    const isWide = region.scrollWidth > region.clientWidth;
    for (const [name, value] of [["tabindex", "0"], ["role", "region"], ["aria-label", label]]) {
      if (isWide) region.setAttribute(name, value);
      else region.removeAttribute(name);
    }
  }).observe(region);
  return region;
}

// Numbers that are made only when somebody wants to see them.
function disclosure(summary, content) {
  const details = make("details", {}, make("summary", {}, summary));
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1) details.append(content());
  });
  return details;
}
