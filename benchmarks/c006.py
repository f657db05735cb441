"""Time of evaluating a solution of the live challenge on a CPU, after imports.

    OPENBLAS_NUM_THREADS=1 python -m benchmarks.c006 [--hidden 18] [--rounds 31]

The solution has random weights, which compress about as well as trained ones. Printed are medians and the fastest of
the rounds, in milliseconds: the data set; reading the text (base64, gzip, arrays); the network's outputs; and all of it
together, as `tig-verify c006 evaluate` does it.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from protocol.network.blob import decode_blob, encode_blob
from verifier.c006.dataset import draw_dataset
from verifier.c006.evaluation import evaluate, outputs
from verifier.c006.loader import Linear, Norm, Weights, blob_of, dimensions, load_weights


def drawn_weights(n_hidden: int) -> Weights:
    random = np.random.default_rng(0)

    def drawn(*shape: int) -> NDArray[np.float32]:
        return random.normal(0.0, 0.06, shape).astype(np.float32)

    linear = tuple(Linear(drawn(*shape), drawn(shape[1])) for shape in dimensions(n_hidden))
    norms = tuple(Norm(1 + drawn(256), drawn(256), drawn(256), abs(drawn(256))) for _ in range(n_hidden))
    return Weights(linear, norms)


def milliseconds(part: Callable[[], object]) -> float:
    started = time.perf_counter()
    part()
    return (time.perf_counter() - started) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, default=18)
    parser.add_argument("--rounds", type=int, default=31)
    options = parser.parse_args()
    weights, seed = drawn_weights(options.hidden), bytes(range(32))
    text, x = encode_blob(blob_of(weights, 1)), draw_dataset(seed).test.x
    parts: dict[str, Callable[[], object]] = {
        "data set": lambda: draw_dataset(seed),
        "reading": lambda: load_weights(decode_blob(text), options.hidden),
        "outputs": lambda: outputs(weights, x),
        "evaluate": lambda: evaluate(text, options.hidden, seed),
    }
    print(f"n_hidden={options.hidden}, {len(text)} characters")
    for name, part in parts.items():
        times = [milliseconds(part) for _ in range(options.rounds)]
        print(f"{name:10} {statistics.median(times):8.1f} ms, fastest {min(times):.1f}")


if __name__ == "__main__":
    main()
