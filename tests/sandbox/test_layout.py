"""A layout names the parts of one flat buffer, without gaps."""

from __future__ import annotations

import json

import torch
from hypothesis import given
from hypothesis import strategies as st

from sandbox.layout import Layout, Part

LAYOUT = Layout((Part("a.weight", "weight", (2, 3)), Part("a.bias", "bias", (2,)), Part("scale", "norm.weight", ())))
shapes = st.lists(st.lists(st.integers(1, 4), max_size=3).map(tuple), min_size=1, max_size=5)


def layout_of(sizes: list[tuple[int, ...]]) -> Layout:
    return Layout(tuple(Part(f"part.{i}", "weight", shape) for i, shape in enumerate(sizes)))


def test_sizes() -> None:
    assert [part.size for part in LAYOUT.parts] == [6, 2, 1]
    assert LAYOUT.size == 9


@given(shapes)
def test_views_cover_the_buffer_in_order_without_gaps(sizes: list[tuple[int, ...]]) -> None:
    layout = layout_of(sizes)
    flat = torch.arange(float(layout.size))
    views = layout.views(flat)
    assert [tuple(view.shape) for view in views] == sizes
    assert torch.equal(torch.cat([view.reshape(-1) for view in views]), flat)


def test_views_share_the_memory_of_the_buffer() -> None:
    flat = torch.zeros(LAYOUT.size)
    weight, bias, scale = LAYOUT.views(flat)
    weight[1, 0], bias[1] = 1.0, 2.0
    scale.fill_(3.0)
    assert flat.tolist() == [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 2.0, 3.0]


@given(shapes)
def test_a_layout_survives_the_channel(sizes: list[tuple[int, ...]]) -> None:
    layout = layout_of(sizes)
    assert Layout.decode(json.loads(json.dumps(layout.encode()))) == layout


def test_layouts_differ_by_name_role_and_shape() -> None:
    named = [("a", "weight", (2, 3)), ("b", "weight", (2, 3)), ("a", "bias", (2, 3)), ("a", "weight", (6,))]
    assert len({Layout((Part(*part),)) for part in named}) == 4
