"""The search for better hyperparameters, and what is made of it."""
