"""The table of operations: each is used, has a name and a code of its own, and its kernel makes what its rules say."""

from __future__ import annotations

import pytest

from sandbox.execution.kernels import KERNELS
from sandbox.program import operations
from sandbox.program.operation import Operation
from sandbox.program.operations import OPERATIONS
from sandbox.tensors.vocabulary import VOCABULARY
from tests.sandbox.tensors.test_memory_of_operations import names
from tests.support.laboratory import Laboratory
from tests.support.sample_operations import OTHERS, TENSORS

TABLE = {name: row for name, row in vars(operations).items() if isinstance(row, Operation)}
MORE = ["z.__setitem__(0, y[0])", "z.__setitem__(z < 0, 0.0)", "z.__setitem__(x.argmin(0)[:2], 1.5)", "+x", "~(x > y)"]
"""Lines with operations that the samples do in statements."""


def test_names_and_codes_are_different() -> None:
    assert len({row.name for row in TABLE.values()}) == len({row.code for row in TABLE.values()}) == len(TABLE) > 80
    assert list(OPERATIONS.values()) == list(TABLE.values())


def test_every_operation_has_a_kernel() -> None:
    assert KERNELS.keys() == OPERATIONS.keys()


def test_kernels_make_what_the_rules_say() -> None:
    """The laboratory compares the kind and the shape of everything that is made."""
    lab = Laboratory()
    given = names(lab)
    given["z"] = given["x"].clone()
    for line in [*TENSORS.values(), *OTHERS, *MORE]:
        eval(line, given)
    lab.data(given["z"])
    used = {one.operation.code for program in lab.programs for one in program.structure.instructions}
    assert {OPERATIONS[code].name for code in OPERATIONS.keys() - used} == {
        "last"
    }  # the bounds of all others are known


def test_the_largest_index_is_asked_for_where_no_bound_is_known() -> None:
    lab = Laboratory()
    x = names(lab)["x"]
    indices = (x.reshape(12) * 0.0).argsort()  # below 12, so not always below 3
    with pytest.raises(IndexError, match="an index is out of range for 3 elements"):
        x[indices]
    assert [one.operation for one in lab.programs[-1].structure.instructions][-1] is operations.LAST
    x[indices[:3]].tolist()
    x.take(indices).tolist()
    assert operations.LAST not in [one.operation for one in lab.programs[-1].structure.instructions]


def test_a_method_in_place_may_be_given_the_keywords_of_the_function_of_math() -> None:
    """What the language refuses is consensus: these keywords fail when they run, and not before."""
    keywords = VOCABULARY.keywords
    assert keywords["exp_"] == frozenset("x")
    assert keywords["add_"] == keywords["add"] - {"x"}
    assert not {"zero_", "fill_", "copy_"} & keywords.keys()
