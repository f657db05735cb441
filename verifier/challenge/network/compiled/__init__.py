"""The network compiled for a CPU: the engine `int16`, with whole steps in one call (specification, sections 2 and 5).

`kernels` has what `arithmetic/compiled` compiles, keeps and calls with the records in `buffers`, and `compiled_network`
is what the trainer sees. Everything here runs on one thread.

Sizes: `B` rows of a batch, `H` features, `K` inputs of a layer. Buffers are padded: rows to a multiple of `rows`,
features to a multiple of `columns`; a padded feature has weights, bias and beta 0, and so is 0 everywhere.

A matrix of 16-bit integers is packed in one of two forms. In *rows* [rows, K] it lies as usual. In *pairs*
[K / 2, columns] two integers that follow one another along the dimension of the sums lie in one 32-bit number, the
first one in its low half.
"""
