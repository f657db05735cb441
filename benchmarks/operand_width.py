"""May the operands of the network's products have 11 bits? Paired trainings at 14, 12 and 11 bits.

    python -m benchmarks.operand_width                 # train what is missing, one line of results for each run
    python -m benchmarks.operand_width --report        # the tables and the decision (Markdown)

The trainings are those of `learning_quality`. The rule was written before the first of them ran: 11 bits if over all
depths and methods the error against f rises by at most 1.5 % from 14 bits, with an upper 95 % bound of at most 3 %,
and it rises significantly in no depth and method, after Bonferroni's correction for their number; else 12.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import torch

from arithmetic.allocator import keep_freed_memory
from benchmarks.learning_quality import study
from benchmarks.learning_quality_tables import Comparison, Report, log_error, read_runs
from verifier.experiments.statistics import t_probability

RESULTS = Path(__file__).parent / "results" / "operand_width.jsonl"
ARMS = ("11/tensor", "12/tensor", "14/tensor")
LARGEST_MEAN = 0.015
LARGEST_BOUND = 0.03
LEVEL = 0.05


def decision(pooled: Comparison) -> str:
    """The operand width that the rule gives, and the numbers behind it."""
    difference = pooled.difference(log_error)
    if not difference.is_known:
        return f"No decision: {difference.n} instances are in all depths and methods of both, too few, or all equal."
    mean, bound = (math.expm1(value) for value in (difference.mean, difference.mean + difference.half_width))
    worse, smallest = worse_cells(pooled)
    bits = 11 if mean <= LARGEST_MEAN and bound <= LARGEST_BOUND and not worse else 12
    return (
        f"Decision: {bits} bits. 11 against 14 bits, {difference.n} instances: {mean * 100:+.2f} % (at most "
        f"{LARGEST_MEAN * 100:.1f}), upper bound {bound * 100:+.2f} % (at most {LARGEST_BOUND * 100:.1f}); "
        f"significantly worse: {', '.join(worse) or 'none'} of {len(pooled.cells)} "
        f"(smallest p of a rise {smallest:.3f}, limit {LEVEL / len(pooled.cells):.4f})."
    )


def worse_cells(pooled: Comparison) -> tuple[list[str], float]:
    """The depths and methods with a significant rise, and the smallest p of those with a rise."""
    differences = pooled.differences(log_error)
    n, worse, smallest = len(differences), [], 1.0
    for (depth, method), column in zip(pooled.cells, differences.T, strict=True):
        mean, error = column.mean(), column.std(ddof=1) / math.sqrt(n)
        if not error:  # equal differences tell no p
            continue
        p = 1.0 - t_probability(mean / error, n - 1)
        if mean > 0.0:
            smallest = min(smallest, p)
            worse += [f"n_hidden {depth}, {method}"] if p < LEVEL / len(pooled.cells) else []
    return worse, smallest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--instances", type=int, nargs=2, metavar=("FIRST", "STOP"), default=(0, 30))
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1)
    if options.report:
        report = Report(read_runs(options.results), ARMS, ("14/tensor",))
        print(f"{decision(report.pooled('11/tensor', '14/tensor'))}\n\n{report.markdown()}")
        return
    with torch.no_grad():
        study(options.results, range(*options.instances), ARMS)


if __name__ == "__main__":
    main()
