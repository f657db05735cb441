"""One HTML page about claims and verdicts, a comparison or a study; it refers to nothing outside itself."""
