"""The dialect of Python in which optimisers are written: checked, rewritten, metered.

gate (bytes) -> dialect (tree, every problem) -> transformer (hooks) -> guards (what hooks do) -> module.
"""
