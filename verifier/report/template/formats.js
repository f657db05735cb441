// How values are written. A value is null, a text, or a number; an integer that a number cannot hold is a text of digits.

const integers = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const shares = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });

const formats = {
  text: String,
  code: String,
  integer: (value) => integers.format(numeric(value)),
  large: (value) => compact.format(numeric(value)),
  quality: (value) => integers.format(numeric(value)),
  loss: (value) => Number(numeric(value).toPrecision(4)).toString(),
  reading: (value) => Number(numeric(value).toPrecision(3)).toString(),
  share: (value) => shares.format(numeric(value)),
  seconds: duration,
};

const isNumeric = (form) => form !== "text" && form !== "code";

// The text of a value in that form, with true minus signs.
function written(value, form) {
  if (value === null || value === undefined) return "";
  if (!isNumeric(form)) return String(value);
  if (typeof value === "string" && !/^-?[0-9]+$/.test(value)) return value; // "inf", "nan"
  return formats[form](value).replaceAll("-", "\u2212");
}

function numeric(value) {
  return typeof value === "string" ? BigInt(value) : value;
}

function duration(seconds) {
  if (seconds < 100) return `${Number(seconds.toPrecision(3))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  return `${integers.format(Math.floor(minutes / 60))} h ${minutes % 60} min`;
}

// What a value is sorted by: numbers by size, texts as people sort them, nothing last.
function sortKey(value, form) {
  if (!isNumeric(form) || typeof value !== "string") return value;
  if (/^-?[0-9]+$/.test(value)) return BigInt(value);
  return { inf: Infinity, "-inf": -Infinity }[value] ?? null;
}
