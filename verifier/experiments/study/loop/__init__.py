"""The study of the training loop's own hyperparameters: batch size and patience."""
