"""The training loop of Algorithm 1, early stopping, and the transcript of a training."""
