"""The options that commands share, each group as one object."""
