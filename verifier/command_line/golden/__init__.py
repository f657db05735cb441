"""What `golden` does with its files."""
