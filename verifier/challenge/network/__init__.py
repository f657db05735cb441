"""The network of the challenge (specification, section 5).

`network` says what a network computes. `eager_network` does it with NumPy's operations, one after the other, on any
engine; `compiled` with whole steps compiled for this processor; `network_choice` chooses.
"""
