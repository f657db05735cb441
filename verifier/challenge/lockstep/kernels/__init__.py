"""The network of many places in Triton, for a CUDA device (specification, sections 2 and 5).

A *place* trains one nonce. Each kernel runs one program for every place and every block of columns (mostly 64), and
goes through the rows of the batch in blocks. What a whole matrix shares, its exponent, follows from its largest
magnitude: the programs of one kernel find it together, by an `atomic_max` of bit patterns, and the next kernel reads
it. So no order of programs or threads changes a bit, and nothing waits for the host.

`numbers` has the exact operations; `quantising`, `forward`, `output` and `backward` have the kernels, which are small
on purpose: each keeps its numbers in registers. `passes` says which of them are launched, on which part of `memory`,
and `triton_network` is what a trainer sees.

Sizes: `S` places, `B` rows of a batch, padded to a multiple of the block of `M` rows, `H` features, `N` columns of a
program, `D` inputs, `L` hidden layers. Layouts, all in row order:

- a matrix: binary32 [S, B, H]; its rows from the place's number of rows on are zeros;
- a quantised matrix: *digits*, int8 [S, 2, B, H]: q = high * 2^DIGIT + low. The tensor cores take 8-bit operands only
  along the dimension of the sum, so what is used in two products has its transposed digits [S, 2, H, B] too;
- a channel vector: binary32 or binary64 [S, H];
- largest magnitudes: int32 [S, 8] for each layer, by the names in `numbers`, zero before a pass.

No operation may be contracted, approximated or flushed: `enable_fp_fusion` is off, binary32 is divided by `div_rn`,
and the compiled code is held against a rule (`arithmetic/device/ptx_rule.py`).
"""
