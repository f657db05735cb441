"""`tig-verify c006`: the live network's challenge."""
