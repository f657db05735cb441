"""Golden runs: whole trainings of anybody's modules, recorded in small files, and held against what is computed now."""
