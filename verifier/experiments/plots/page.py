"""A picture and its numbers as one HTML file that refers to nothing outside itself."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection, Mapping, Sequence
from html import escape

_STYLE = """
body { font: 15px/1.5 sans-serif; margin: 2rem auto; max-width: 68rem; padding: 0 1rem; color: #222; }
img { max-width: 100%; height: auto; }
figure { margin: 0; }
figcaption { color: #555; }
div { overflow-x: auto; }
table { border-collapse: collapse; margin-top: 1.5rem; font-size: 0.85rem; }
th, td { border-bottom: 1px solid #ddd; padding: 0.3rem 0.5rem; text-align: right; vertical-align: top; }
th { vertical-align: bottom; }
td { white-space: nowrap; }
.text { text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 7rem; }
th.text { overflow-wrap: normal; }
@media print, (max-width: 55rem) {
  table { font-size: 0.62rem; }
  th, td { padding: 0.2rem 0.25rem; }
  .text { min-width: 4.5rem; }
}
""".strip()


def page(
    title: str,
    png: bytes,
    alternative: str,
    caption: str,
    tables: Sequence[Sequence[Mapping[str, str]]],
    texts: Collection[str],
) -> str:
    """HTML5 with the picture, a caption and tables: the names of a table's rows, all the same, are its columns.

    Columns that are no `texts` are numbers.
    """
    parts = "\n".join(_table(rows, texts) for rows in tables)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{escape(title)}</title>
<style>
{_STYLE}
</style>
</head>
<body>
<h1>{escape(title)}</h1>
<figure>
<img src="data:image/png;base64,{b64encode(png).decode()}" alt="{escape(alternative)}">
<figcaption>{escape(caption)}</figcaption>
</figure>
{parts}
</body>
</html>
"""


def _table(rows: Sequence[Mapping[str, str]], texts: Collection[str]) -> str:
    head = "".join(f'<th scope="col"{_kind(name, texts)}>{escape(name)}</th>' for name in rows[0])
    body = "\n".join(_row(row, texts) for row in rows)
    return f"""<div>
<table>
<thead>
<tr>{head}</tr>
</thead>
<tbody>
{body}
</tbody>
</table>
</div>"""


def _row(row: Mapping[str, str], texts: Collection[str]) -> str:
    cells = (f"<td{_kind(name, texts)}>{escape(value)}</td>" for name, value in row.items())
    return f"<tr>{''.join(cells)}</tr>"


def _kind(name: str, texts: Collection[str]) -> str:
    return ' class="text"' if name in texts else ""
