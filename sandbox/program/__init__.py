"""Programs: what a module asks to be computed, recorded without data, in bytes, and validated (specification, 13).

One table, `operations`, serves who records an operation, who charges it, who validates it and who executes it. Nothing
here computes: neither torch nor NumPy is needed.
"""
