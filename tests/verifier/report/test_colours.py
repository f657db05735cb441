"""The colours of a page can be told from their ground, in both schemes, as WCAG 2.2 asks (1.4.3 and 1.4.11)."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

STYLE = files("verifier.report").joinpath("template", "page.css").read_text("utf-8")
LIGHT, DARK = (
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
    for block in re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
)
TEXTS = "ink quiet focus good bad unsure".split()
MARKS = "bar bar-below mark edge".split() + [f"line-{number}" for number in range(7)]


def channels(colour: str) -> list[float]:
    """Linear red, green and blue."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def luminance(colour: str) -> float:
    red, green, blue = channels(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_colour_has_enough_contrast(scheme: dict[str, str]) -> None:
    assert scheme.keys() == LIGHT.keys()
    faint = {name: contrast(scheme[name], scheme["ground"]) for name in TEXTS}
    assert {name for name, found in faint.items() if found < 4.5} == set()
    assert contrast(scheme["ink"], scheme["raised"]) > 4.5
    assert contrast(scheme["focus"], scheme["raised"]) > 4.5
    assert {name for name in MARKS if contrast(scheme[name], scheme["ground"]) < 3.0} == set()


DEFICIENCIES = {
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
"""Without one kind of cones: Machado, Oliveira and Fernandes (2009), severity 1, on linear channels."""


def seen(colour: str, deficiency: str) -> tuple[float, float, float]:
    """OKLab coordinates of what somebody sees."""
    red, green, blue = (
        min(max(sum(a * b for a, b in zip(row, channels(colour), strict=True)), 0.0), 1.0)
        for row in DEFICIENCIES[deficiency]
    )
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    middle = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("deficiency", DEFICIENCIES)
@pytest.mark.parametrize("pair", [("line-0", "line-1"), ("bar", "bar-below"), ("good", "bad")])
def test_colours_that_stand_side_by_side_differ_for_the_colour_blind(
    scheme: dict[str, str], deficiency: str, pair: tuple[str, str]
) -> None:
    one, other = (seen(scheme[name], deficiency) for name in pair)
    assert sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5 > 0.08
