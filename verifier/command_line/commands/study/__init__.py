"""`tig-verify study`: the numerical studies of the papers."""
