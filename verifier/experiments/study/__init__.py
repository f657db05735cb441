"""The papers' numerical studies, planned, carried out and read."""
