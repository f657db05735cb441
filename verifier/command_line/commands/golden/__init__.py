"""`tig-verify golden`: golden files of whole trainings."""
