"""Tests of what needs large optional packages; run by `make test-extras`."""
