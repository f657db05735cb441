"""The challenge: editions, instances, the network, the training loop, scores, solving."""
