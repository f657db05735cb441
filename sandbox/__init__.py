"""The deterministic machine in which an untrusted optimiser runs.

It knows nothing of claims, instances or scores.
"""
