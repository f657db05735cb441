"""Many items of work: the queue, its process pool, and the append-only log of what is done."""
