"""What `verify` does with claims, from their files to what is said of them."""
