"""The contest: editions, instances, the network, the training loop, scores, claims and verdicts."""
