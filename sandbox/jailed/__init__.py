"""The programs on the other side of the trust boundary: the zygote, and the workers that it forks."""
