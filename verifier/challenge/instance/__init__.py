"""A challenge instance: a random function, points on it, noise, and whether it can be solved."""
