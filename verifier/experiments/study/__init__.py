"""The numerical studies of the papers: a folder each."""
