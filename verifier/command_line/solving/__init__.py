"""What `solve` and `status` do with nonces, claims and the logs of runs."""
