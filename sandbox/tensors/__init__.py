"""The facade, which untrusted code has instead of torch: tensors, parameter vectors, `torch`, `math` and a generator.

Data is never changed, so no alias can be observed; an in-place method binds its own tensor to new data. Untrusted
code may read the public names of the facade's types, and no others. `operations` is the table of what it can compute.
"""
