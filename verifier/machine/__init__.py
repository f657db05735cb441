"""This machine, examined: whether it can solve and verify, and what somebody who plans with it wants to know."""
