"""Pictures of trainings and comparisons; the only package that needs matplotlib."""
