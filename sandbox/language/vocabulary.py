"""The names that a module may use: the caller's own words, as the static checks of attributes need them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Vocabulary:
    """The attributes of everything that the caller hands to a module."""

    namespaces: Mapping[str, frozenset[str]]
    """The attributes of each namespace by its path: `torch`, `math`, and namespaces inside them."""
    attributes: frozenset[str]
    """The attributes of any value, namespaces included."""
    keywords: Mapping[str, frozenset[str]]
    """The keyword arguments that a function or method of this name takes; none is listed of what takes any."""
    hints: Mapping[str, str]
    """Advice on attributes and keywords that authors know from elsewhere, by name or dotted path."""
