"""Vectors of programs (specification, section 13): fixtures/vectors/programs.json."""

from __future__ import annotations

import struct
from typing import Any, Final

from sandbox.layout import Layout, Part
from sandbox.optimiser import Assignment
from sandbox.program.call import Call, CallKind
from sandbox.program.program import Instruction, Program, Validator
from sandbox.program.value import INPUTS, Value
from sandbox.recording import Recording
from tests.support.folders import FIXTURES
from tests.vectors.texts import Vector, hexadecimal

LAYOUT: Final = Layout((Part("layers.0.weight", "weight", (4, 2)), Part("layers.0.bias", "bias", (4,))))
OPTIMISERS: Final = ("adam", "momentum", "lion", "lars", "sam")
"""Three that only step, one that reads numbers, one that asks for a location."""
FUEL: Final = 10**12
EVERYTHING: Final = '''"""Sorting, picking, assigning, drawing and reading."""

import torch

HYPERPARAMETERS = {"keep": 3, "name": "everything", "wide": 1180591620717411303424}


def init_optimiser_state(difficulty, parameters, hyperparameters, rng):
    order = rng.permutation(3)
    noise = rng.normal(2, 3)
    state = {**hyperparameters, "order": order, "noise": noise, "last": None, "steps": torch.arange(4), "t": (0, 0.5)}
    state["signs"] = rng.rademacher(4) > 0
    return state


def query_location_parameters(parameters, state, gradient, epoch, train_loss, validation_loss):
    return None if epoch == 0 else [w - 0.5 * g for w, g in zip(parameters, gradient)]


def optimiser_step_updates(state, gradient, parameters, epoch, train_loss, validation_loss):
    weight, bias = gradient[0], gradient[1]
    largest, places = weight.flatten().topk(state["keep"])
    ordered, order = bias.sort(descending=True)
    bias = bias.clone()
    bias[0] = 0.0
    bias[1:4:2] = ordered[:2]
    bias[order[:1]] = -1.0
    state["few"] = ordered[torch.arange(8)[1:3]]
    picked = weight[state["steps"]]
    picked[state["signs"].float()[:, None].expand(4, 2) > 0.5] = 1.0
    if bias.max() > 0.75:
        picked = torch.where(picked > largest.mean(), picked, 0.25)
    state["last"] = places
    state["t"] = (state["t"][0] + 1, bias.sum(dim=(-1,), keepdim=True).tolist()[0])
    scale = torch.tensor([[1.0, 2.0], [0.5, 4.0]])
    return [-(picked @ scale) ** 2, bias * validation_loss], state
'''
CALLS: Final = (
    Call(CallKind.INITIALISE),
    Call(CallKind.QUERY, 0, 0.75, 0.875),
    Call(CallKind.STEP, 0, 0.75, 0.875),
    Call(CallKind.QUERY, 1, 0.5, 0.625),
    Call(CallKind.STEP, 1, 0.5, 0.625),
    Call(CallKind.STEP, 1, 0.5, 0.625),
)
ANSWERS: Final = {"float32": struct.pack("<f", 0.8125), "bool": b"\1", "int64": struct.pack("<q", 2)}
"""Made up: each element of what is asked for is this one."""


class Scribe:
    """Writes down the segments of a module's calls."""

    def __init__(self, source: bytes) -> None:
        assignment = Assignment(source, "module.py", LAYOUT, {"n_hidden": 1}, {}, bytes(32), FUEL)
        self._recording = Recording(assignment, self._read)
        self._validator = Validator(LAYOUT.size)
        self._state: tuple[Value, ...] = ()
        self._segments: list[Vector] = []

    def vectors(self) -> list[Vector]:
        """The calls that the module has."""
        return [self._call(call) for call in CALLS if call.kind is not CallKind.QUERY or self._recording.asks_location]

    def _call(self, call: Call) -> Vector:
        self._segments = []
        self._validator.begin(call.kind, self._state)
        recorded = self._recording.call(call)
        program = self._add(recorded.segment, b"")
        values = self._validator.values
        results = [value.number for value in program.structure.results]
        if program.structure.template:
            self._state = tuple(
                values[number].renumbered(INPUTS + place)
                for place, number in enumerate(tensors(program.structure.template))
            )
        return {
            "function": call.kind.name.lower(),
            "epoch": call.epoch,
            "train_loss": call.train_loss.hex(),
            "validation_loss": call.validation_loss.hex(),
            "segments": self._segments,
            "results": results,
            "template": program.structure.template.hex(),
            "template_scalars": hexadecimal(program.scalars[program.structure.scalars :]),
            "template_integers": [str(number) for number in program.integers],
            "fuel_used": recorded.fuel_used,
            "recomputed": recorded.worked,
        }

    def _read(self, segment: bytes) -> bytes:
        last = self._validator.read(segment)
        value = last.structure.made[-1]
        answer = ANSWERS[value.kind] * value.size
        self._write(segment, last, answer)
        return answer

    def _add(self, segment: bytes, answer: bytes) -> Program:
        program = self._validator.read(segment)
        self._write(segment, program, answer)
        return program

    def _write(self, segment: bytes, program: Program, answer: bytes) -> None:
        instructions = [instruction(each, program) for each in program.structure.instructions]
        self._segments.append({"bytes": segment.hex(), "answer": answer.hex(), "instructions": instructions})


def instruction(each: Instruction, program: Program) -> str:
    """Name, code, operands (# for a scalar), parameters and scalars."""
    operands = [str(one.number) if isinstance(one, Value) else "#" for one in each.operands]
    parameters = map(str, each.operation.encode(each.operation.named(each.parameters)))
    scalars = hexadecimal(program.scalars[place] for place in each.scalars)
    parts = (f"{each.operation.code}", " ".join(operands), " ".join(parameters), " ".join(scalars))
    return f"{each.operation.name} " + "; ".join(parts)


def tensors(template: bytes) -> list[int]:
    """The numbers of the values in a template, in their order."""
    found, at, singles = [], 0, b"NTFDI"
    while at < len(template):
        tag, at = template[at : at + 1], at + 1
        if tag in singles:
            continue
        (count,), at = struct.unpack_from("<I", template, at), at + 4
        if tag in b"xv":
            found.append(count)
        elif tag in b"si":
            at += count
    return found


def vectors() -> dict[str, Any]:
    """The file's content."""
    sources = {name: (FIXTURES / "optimisers" / f"{name}.py").read_bytes() for name in OPTIMISERS}
    sources["everything"] = EVERYTHING.encode()
    return {
        "layout": [[part.name, list(part.shape)] for part in LAYOUT.parts],
        "modules": [
            {"name": name, "source": source.decode(), "calls": Scribe(source).vectors()}
            for name, source in sources.items()
        ],
    }
