"""What `import verifier` offers beside records and errors: the functions that do what the commands do, for programs."""
