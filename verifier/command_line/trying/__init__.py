"""What an innovator tries: trainings that sign nothing, compared, tuned, profiled, scored, drawn."""
