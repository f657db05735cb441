"""A picture and its numbers as one HTML file that refers to nothing outside itself."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape

_STYLE = """
body { font: 15px/1.5 sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #222; }
img { max-width: 100%; height: auto; }
figure { margin: 0; }
figcaption { color: #555; }
div { overflow-x: auto; }
table { border-collapse: collapse; margin-top: 1.5rem; }
th, td { border-bottom: 1px solid #ddd; padding: 0.3rem 0.7rem; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
""".strip()


def page(title: str, png: bytes, alternative: str, caption: str, rows: Sequence[Mapping[str, str]]) -> str:
    """HTML5 with the picture, a caption and a table: a row's names are the columns, and all rows have the same."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in rows[0])
    body = "\n".join(_row(row) for row in rows)
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
<div>
<table>
<thead>
<tr>{head}</tr>
</thead>
<tbody>
{body}
</tbody>
</table>
</div>
</body>
</html>
"""


def _row(row: Mapping[str, str]) -> str:
    return "<tr>" + "".join(f"<td>{escape(value)}</td>" for value in row.values()) + "</tr>"
