"""What is computed: editions, instances, the network, the training loop, scores, solving."""
