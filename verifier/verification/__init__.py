"""The numbered steps by which a validator comes to a verdict: evaluate, audit, replay, dispute."""
