"""Many items of work in processes: the pool, and the append-only log of what is done."""
