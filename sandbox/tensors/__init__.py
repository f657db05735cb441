"""What untrusted code sees instead of torch: opaque tensors, parameter vectors, `torch`, `math` and a generator.

Storage is never mutated, so no alias can be observed; an in-place method binds its own handle to a new value.
Each class lists the attributes that untrusted code may read in `PUBLIC`.
"""
