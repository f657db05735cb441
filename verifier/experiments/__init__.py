"""Many trainings for the sake of knowledge: comparisons, the study of Figure 2, plots."""
