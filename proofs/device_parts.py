"""What is asked of a device that trains: whether its bits are a CPU's, and how fast they come.

`cuda_parity.py` takes these parts on a GPU, and its dry run on torch's CPU.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any, Final
from unittest.mock import patch

import numpy as np
import torch
from blake3 import blake3
from torch.profiler import ProfilerActivity, profile

from arithmetic.canonical_bytes import canonical_bytes
from arithmetic.device import self_test as arithmetic
from arithmetic.device.blake3 import digests as device_digests
from sandbox.execution.executor import Executor
from sandbox.isolation import InProcess
from sandbox.lockstep.executor import Executor as LockstepExecutor
from sandbox.program.value import GRADIENT, PARAMETERS
from tests.extras.interpreted.places import POISON, Alone, small, start_of
from tests.extras.interpreted.test_fused_groups import NEVER, drawn, rows, stacked
from tests.extras.interpreted.test_triton_network import FINITE, NOT_FINITE, edited
from tests.golden.golden_run import FOLDER, GoldenRun, named
from tests.parity.operations import OPERATIONS, RECORD, digest
from tests.sandbox.execution.test_executor import SOURCE, Array
from tests.support.written_programs import WrittenProgram
from verifier.challenge.editions import DECEMBER_2025, EDITIONS, Edition, Track
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.lockstep.agreement import agree
from verifier.challenge.lockstep.kernels.launches import Options
from verifier.challenge.lockstep.lockstep_network import LockstepNetwork, MakeNetwork
from verifier.challenge.lockstep.lockstep_trainer import LockstepTrainer
from verifier.challenge.lockstep.network_choice import networks_for
from verifier.challenge.lockstep.starts import Start, draw_start
from verifier.challenge.lockstep.torch_network import TorchNetwork
from verifier.challenge.solving import solved
from verifier.golden import differences
from verifier.golden.golden_file import GoldenFile
from verifier.golden.training import results

ROOT: Final = Path(__file__).resolve().parents[1]
Found = dict[str, Any]
"""What a part finds: what is wrong, and what else is to be known."""


@dataclass(frozen=True)
class Plan:
    """What is asked of a device."""

    device: str
    edges: tuple[tuple[int, int | None], ...]
    """Copies of each edge case, and warps of a kernel; None for what the kernels have."""
    steps: tuple[tuple[str, int, int], ...]
    """Edition, n_hidden and places of the steps that are repeated."""
    golden: tuple[tuple[str, int], ...]
    """Golden runs, and places."""
    speed: tuple[tuple[str, int, int], ...]
    """Optimiser, n_hidden and places."""
    seconds: float
    """Of each measurement of speed, once all places are full."""
    programs: int
    """Random ones, of optimisers."""
    repeats: int
    """Of each step: what threads do in another order must not show."""
    megabytes: int
    """That are copied to find the bandwidth."""
    networks: Callable[[Edition, str], MakeNetwork] = networks_for
    """Those of an edition on the device."""


GPU: Final = Plan(
    device="cuda",
    edges=((1, None), (8, None), (1, 1), (1, 2), (1, 8)),
    steps=(
        ("december-2025", 4, 1), ("december-2025", 4, 64), ("december-2025", 10, 256), ("april-2025", 2, 3),
        ("december-2025-centred", 4, 64),
    ),
    golden=(("adam-n_hidden=4", 1), ("adam-n_hidden=4", 256), ("momentum-n_hidden=2", 8), ("muon-n_hidden=2", 8)),
    speed=tuple(
        (name, depth, places) for depth in (4, 10) for name in ("sgd", "adam") for places in (64, 128, 256, 512)
    ),
    seconds=4.0,
    programs=40,
    repeats=20,
    megabytes=4096,
)  # fmt: skip
DRY: Final = Plan(
    device="cpu",
    edges=((1, None),),
    steps=(("december-2025", 1, 2),),
    golden=(("momentum-n_hidden=1-non-finite-loss", 2),),
    speed=(("sgd", 1, 2),),
    seconds=0.2,
    programs=3,
    repeats=2,
    megabytes=8,
)


def wait(device: str) -> None:
    """Wait until a device has done what it was asked for."""
    if device == "cuda":
        torch.cuda.synchronize()


def interpreted(edition: Edition, device: str) -> MakeNetwork:
    """The networks by Triton's kernels, without a GPU: in its interpreter, if TRITON_INTERPRET is 1."""
    made: MakeNetwork = import_module("verifier.challenge.lockstep.kernels.triton_network").TritonNetwork
    return made


# -- whether bits are the same -----------------------------------------------------------------------------------------


def self_test(plan: Plan) -> Found:
    """The self-test that `solve --device cuda` makes, which compiles what it needs."""
    faults = list(arithmetic.faults(plan.device))
    seconds = {}
    for make in (TorchNetwork, plan.networks(DECEMBER_2025, plan.device)):
        began = time.perf_counter()
        name = getattr(make, "__name__", str(make))
        if not agree(plan.device, make):
            faults.append(f"{name} gives other bits")
        seconds[name] = round(time.perf_counter() - began, 1)
    return {"wrong": faults, "seconds": seconds}


def operations(plan: Plan) -> Found:
    """Every operation of the arithmetic on recorded operands, edge cases among them, against the digests of CPUs."""
    recorded = json.loads(RECORD.read_text())
    return {
        "wrong": [name for name in OPERATIONS if digest(name, plan.device) != recorded[name]],
        "operations": len(OPERATIONS),
    }


def edges(plan: Plan) -> Found:
    """A step of networks at the edges of what there is, one in each place, beside NumPy's; outputs are poisoned."""
    track, wrong, compared = Track(small(), 2), [], 0
    cases = {name: edited(track, edit) for name, edit in {**FINITE, **NOT_FINITE}.items()}
    for copies, warps in plan.edges:
        with _warps(warps):
            differing = _differing(plan, track, [start for start in cases.values() for _ in range(copies)])
        wrong += [f"{list(cases)[place // copies]}, {copies} times, {warps or 'usual'} warps" for place in differing]
        compared += copies * len(cases)
    return {"wrong": wrong, "cases": len(cases), "compared": compared, "repeats": plan.repeats}


def steps(plan: Plan) -> Found:
    """Steps and evaluations of networks as they are trained, some places beside NumPy's; all are repeated."""
    wrong = []
    for edition, depth, places in plan.steps:
        track = Track(EDITIONS[edition][0], depth)
        few = [draw_start(nonce, InstanceId(track, bytes([nonce]) * 32)) for nonce in range(min(places, 4))]
        starts = [few[place % len(few)] for place in range(places)]
        differing = _differing(plan, track, starts)
        wrong += [f"{edition}, n_hidden {depth}, place {place} of {places}" for place in differing]
    return {"wrong": wrong, "compared": len(plan.steps), "repeats": plan.repeats}


@contextmanager
def _warps(count: int | None) -> Iterator[None]:
    """Inside, kernels are compiled for so many warps."""
    if count is None:
        yield
        return

    def named(self: Options) -> dict[str, Any]:
        return {"num_warps": count, "num_stages": self.stages, "enable_fp_fusion": False}

    with patch.object(Options, "named", named):
        yield


Bits = list[bytes]
"""Of loss, gradient and statistics of a step, and of the validation loss after it; none of what is not finite."""


def _differing(plan: Plan, track: Track, starts: Sequence[Start]) -> list[int]:
    """The places that ever have other bits than NumPy's network of the same start."""
    of_starts = {id(start): _alone(start) for start in starts}
    network = _poisoned(plan, track, len(starts))
    for place, start in enumerate(starts):
        network.enter(place, start)
    at_first = network.means.clone(), network.variances.clone()
    differing = set()
    for _ in range(plan.repeats):
        network.gradient.fill_(torch.nan)
        network.means.copy_(at_first[0])
        network.variances.copy_(at_first[1])
        found = _together(network)
        differing |= {place for place, start in enumerate(starts) if found[place] != of_starts[id(start)]}
    return sorted(differing)


def _alone(start: Start) -> Bits:
    """A start's step on the first batch, by NumPy."""
    one = Alone(start)
    step, validated = one.step(start.parameters, 0), one.evaluation(start.parameters)
    if step is None:
        return []
    last = [] if validated is None else [validated.loss]
    return [step.loss, step.gradient, step.means, step.variances, *last]


def _together(network: LockstepNetwork) -> list[Bits]:
    """The same of each place."""
    parameters = network.parameters
    batches = torch.zeros(len(parameters), dtype=torch.int64, device=parameters.device)
    losses, are_finite = network.loss_and_gradient(parameters, batches)
    step = [each.cpu().numpy() for each in (losses, network.gradient, network.means, network.variances)]
    validated, are_valid = (each.cpu().numpy() for each in network.validation_losses(len(parameters)))
    return [
        [each[place].tobytes() for each in (*step, *([validated] if are_valid[place] else []))] if is_finite else []
        for place, is_finite in enumerate(are_finite.tolist())
    ]


def _poisoned(plan: Plan, track: Track, places: int) -> LockstepNetwork:
    """Networks whose memory says what nobody has written."""

    def full(*shape: Any, dtype: torch.dtype = torch.float32, device: Any = None) -> torch.Tensor:
        sizes = shape[0] if isinstance(shape[0], tuple | list) else shape
        return torch.full(sizes, POISON.get(dtype, 99), dtype=dtype, device=device)

    with patch.object(torch, "empty", full):
        return plan.networks(track.edition, plan.device)(track, places, torch.device(plan.device))


def digests(plan: Plan) -> Found:
    """BLAKE3 of rows at the borders of words, blocks and chunks, and of a megabyte."""
    wrong = []
    for size in (0, 1, 3, 62, 64, 65, 1021, 1024, 1025, 2048, 3073, 65 * 1024, plan.megabytes * 2**17 + 5):
        given = np.random.default_rng(size).integers(0, 256, (3, size), np.uint8)
        found = device_digests(torch.from_numpy(given).to(plan.device)).cpu().numpy()
        if [each.tobytes() for each in found] != [blake3(row.tobytes()).digest() for row in given]:
            wrong.append(f"rows of {size} bytes")
    return {"wrong": wrong}


def programs(plan: Plan) -> Found:
    """Random programs of optimisers, in the groups that a device makes of them, beside NumPy's operations."""
    wrong = []
    for seed in range(plan.programs):
        random, draw = Random(seed), np.random.default_rng(seed)
        program = drawn(random)
        made = [value.number for each in program.instructions for value in each.results]
        wanted = frozenset(number for number in made if random.random() < 0.4) | {made[-1]}
        given = rows(program, draw, 3)
        found = _by_device(plan, program, wanted, given)
        for nonce, arrays in enumerate(given):
            expected = _by_numpy(program, wanted, arrays)
            differing = [n for n in expected if canonical_bytes(found[n][nonce]) != canonical_bytes(expected[n])]
            wrong += [f"program {seed}, value {number}, nonce {nonce}" for number in differing]
    return {"wrong": wrong, "programs": plan.programs}


def _by_device(
    plan: Plan, program: WrittenProgram, wanted: frozenset[int], given: Sequence[dict[int, Array]]
) -> dict[int, Array]:
    """The values [C, ...] for all nonces."""
    tensors = {number: tensor.to(plan.device) for number, tensor in stacked(given).items()}
    sources = [SOURCE] * len(given)
    executor = LockstepExecutor(tensors.pop(PARAMETERS), tensors.pop(GRADIENT), sources, turns=0)
    made = executor.run(executor.prepare(program.instructions, wanted), tensors, program.scalars)
    return {number: tensor.expand(len(given), *tensor.shape[1:]).cpu().numpy() for number, tensor in made.items()}


def _by_numpy(program: WrittenProgram, wanted: frozenset[int], arrays: dict[int, Array]) -> dict[int, Array]:
    """Those of one nonce."""
    executor = Executor(arrays[PARAMETERS], arrays[GRADIENT], SOURCE, NEVER)
    state = {number: array for number, array in arrays.items() if number not in (PARAMETERS, GRADIENT)}
    return executor.run(executor.prepare(program.instructions, wanted), state, program.scalars)


def golden(plan: Plan) -> Found:
    """Whole golden runs, alone and among other nonces, to their transcript's root; all that their records say."""
    wrong, seconds = [], {}
    for name, places in plan.golden:
        (run,) = named((name,))
        edition, began = run.training.track.edition, time.perf_counter()
        networks = plan.networks(edition, plan.device)
        trainer = LockstepTrainer(run.task, run.module, InProcess(), plan.device, places, networks)
        trained = dict(trainer.run(range(places)))
        seconds[f"{name}, {places} places"] = round(time.perf_counter() - began, 1)
        training = trained[0]
        if training is None:
            wrong.append(f"{name}, {places} places: was left to the processor")
            continue
        session = run.session()
        again = GoldenFile.of(run.training, results(session, solved(session, training)), FOLDER, run.notes)
        wrong += [f"{name}, {places} places: {each}" for each in differences.differences(run.record, again)]
    return {"wrong": wrong, "seconds": seconds}


def sanitizer(plan: Plan) -> Found:
    """A small step under compute-sanitizer, which looks for accesses outside of memory, if it is there."""
    if plan.device != "cuda" or shutil.which("compute-sanitizer") is None:
        return {"wrong": [], "skipped": "compute-sanitizer is not there"}
    command = [
        "compute-sanitizer", "--error-exitcode", "9", sys.executable, "-m", "proofs.cuda_parity", "--one-step",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120.0)
    return {"wrong": [] if done.returncode == 0 else (done.stdout + done.stderr).splitlines()[-10:]}


def one_step(plan: Plan) -> int:
    """A step and an evaluation of two small places: what is run under compute-sanitizer."""
    track = Track(small(), 1)
    return 1 if _differing(replace(plan, repeats=1), track, [start_of(track, nonce) for nonce in range(2)]) else 0


# -- how fast it is ----------------------------------------------------------------------------------------------------


def bandwidth(plan: Plan) -> Found:
    """Gigabytes a second of a copy, read and written."""
    one = torch.ones(plan.megabytes * 2**18, device=plan.device)
    other = torch.empty_like(one)
    best = 0.0
    for _ in range(5):
        wait(plan.device)
        began = time.perf_counter()
        other.copy_(one)
        wait(plan.device)
        best = max(best, 2 * one.numel() * 4 / (time.perf_counter() - began) / 1e9)
    return {"wrong": [], "gigabytes_per_second": round(best, 1)}


def kernels(plan: Plan) -> Found:
    """Microseconds of each kernel in a step and an evaluation of the most places whose speed is measured."""
    activity = ProfilerActivity.CUDA if plan.device == "cuda" else ProfilerActivity.CPU
    found: Found = {"wrong": []}
    for depth, places in sorted({(depth, max(of[2] for of in plan.speed)) for _, depth, _ in plan.speed}):
        track = Track(DECEMBER_2025, depth)
        network = plan.networks(DECEMBER_2025, plan.device)(track, places, torch.device(plan.device))
        start = draw_start(0, InstanceId(track, bytes(32)))
        for place in range(places):
            network.enter(place, start)
        batches = torch.zeros(places, dtype=torch.int64, device=plan.device)

        def both(network: Any = network, batches: Any = batches) -> None:
            network.loss_and_gradient(network.parameters, batches)
            network.validation_losses(len(batches))

        for _ in range(3):  # compiled, then recorded
            both()
        wait(plan.device)
        with profile(activities=[activity]) as profiled:
            both()
            wait(plan.device)
        name = "self_device_time_total" if plan.device == "cuda" else "self_cpu_time_total"
        times = {event.key: (round(getattr(event, name), 1), event.count) for event in profiled.key_averages()}
        dear = sorted(times.items(), key=lambda item: -item[1][0])[:20]
        found[f"n_hidden={depth}, {places} places"] = {key: list(value) for key, value in dear}
    return found


def speed(plan: Plan) -> Found:
    """Epochs of all places a second, and the nonces that are trained in them if each has a hundred."""
    found: Found = {"wrong": []}
    for name, depth, places in plan.speed:
        epochs = _epochs_per_second(plan, name, depth, places)
        entry = {"epochs_per_second": round(epochs, 2), "nonces_per_second": round(epochs / _EPOCHS, 2)}
        found[f"{name}, n_hidden={depth}, {places} places"] = entry
        print(f"    {name}, n_hidden={depth}, {places} places: {entry}", flush=True)
    return found


_EPOCHS: Final = 100
"""Of a nonce, as in the tables of docs/verification.md."""


def _few_starts(identified: Iterable[tuple[int, InstanceId]]) -> Generator[Start, None, None]:
    """The start of one nonce for all: drawing hundreds would take the machine's time."""
    first = None
    for nonce, instance_id in identified:
        first = first or draw_start(nonce, instance_id)
        yield replace(first, nonce=nonce, instance_id=instance_id)


class _Enough(Exception):
    """What was to be measured has been."""


def _epochs_per_second(plan: Plan, name: str, depth: int, places: int) -> float:
    """Epochs of places a second, after the first three of each."""
    run = GoldenRun(name, depth)
    networks = plan.networks(run.training.track.edition, plan.device)
    trainer = LockstepTrainer(run.task, run.module, InProcess(), plan.device, places, networks, _few_starts)
    counted, began, last = 0, 0.0, 0.0

    def observe(nonce: int, epoch: object) -> None:
        nonlocal counted, began, last
        counted += 1
        last = time.perf_counter()
        if counted == 3 * places:
            began = last
        if began and last - began > plan.seconds:
            raise _Enough

    try:
        for _ in trainer.run(range(places), observe):
            pass
    except _Enough:
        pass
    return max(counted - 3 * places, 0) / max(last - began, 1e-9)


PARTS: Final[dict[str, tuple[Callable[[Plan], Found], float]]] = {
    "self-test": (self_test, 40.0),
    "operations": (operations, 30.0),
    "edges": (edges, 60.0),
    "steps": (steps, 60.0),
    "digests": (digests, 10.0),
    "programs": (programs, 40.0),
    "golden": (golden, 60.0),
    "sanitizer": (sanitizer, 40.0),
    "bandwidth": (bandwidth, 5.0),
    "kernels": (kernels, 30.0),
    "speed": (speed, 120.0),
}
"""What is done, in this order, and about how many seconds it takes on a GPU."""
