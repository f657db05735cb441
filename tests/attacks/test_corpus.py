from __future__ import annotations

from dataclasses import replace

import pytest

from tests.attacks.corpus import (
    FOLDER,
    IDS,
    LAYERS,
    LENGTHS,
    OF_TESTS,
    Build,
    Case,
    Verdict,
    read_corpus,
    read_item,
    read_source,
)
from tests.attacks.verdicts import check, observe
from tests.support.folders import ROOT
from tests.support.sample_optimisers import in_process, module

ITEMS = read_corpus()
IN_PROCESS = frozenset(Verdict) - {Verdict.KILL, Verdict.FAULT}
"""The verdicts that need no worker."""


def test_every_attack_of_the_list_is_here_once_and_in_order() -> None:
    assert [item.id for item in ITEMS] == list(IDS)


def test_every_file_is_run() -> None:
    used = frozenset().union(*(item.files for item in ITEMS))
    files = [path for section in LENGTHS for path in (FOLDER / section).rglob("*") if path.is_file()]
    assert {str(path.relative_to(FOLDER)) for path in files} == used


def test_every_item_is_run_or_says_why_not() -> None:
    assert [item.id for item in ITEMS if bool(item.cases or item.tests) == bool(item.not_applicable)] == []


def test_every_item_names_the_layers_that_contain_it() -> None:
    assert [item.id for item in ITEMS if not item.layers or not set(item.layers) <= LAYERS] == []


def test_what_the_language_contains_is_tried_with_all_layers_on() -> None:
    tried = {item.id for item in ITEMS for case in item.cases if case.build is Build.FULL}
    assert [item.id for item in ITEMS if item.cases and item.layers[0] in "GRF" and item.id not in tried] == []


def test_what_is_no_module_is_tried_with_the_first_layer_off_too() -> None:
    tried = {item.id: {"_without_" in test for test in item.tests} for item in ITEMS if item.id[0] in OF_TESTS}
    assert [item for item, kinds in tried.items() if kinds != {False, True}] == []


def test_the_tests_that_items_name_exist() -> None:
    assert [(item.id, test) for item in ITEMS for test in item.tests if not exists(test)] == []


def exists(test: str) -> bool:
    path, _, name = test.partition("::")
    file = ROOT / path
    return file.exists() and f"def {name.rpartition('::')[2]}(" in file.read_text("utf-8")


def test_parts_are_repeated_numbered_and_joined() -> None:
    source = {"parts": ["x = ", ["(", 3], "1", [")", 3], ["\n    y{i} = {i}", 2]], "module": True}
    assert b"    x = (((1)))\n    y0 = 0\n    y1 = 1\n" in read_source("A", source)


def test_a_module_is_written_as_the_lines_of_its_functions() -> None:
    source = read_source("A", {"head": ["import torch"], "step": ["", "return gradient, state"]}).decode()
    assert source.startswith("import torch\n\n\ndef init_optimiser_state(")
    assert ":\n    return {}\n\n\ndef query_location_parameters(" in source
    assert source.endswith("loss):\n\n    return gradient, state\n")
    with pytest.raises(TypeError, match="steps"):
        read_source("A", {"steps": []})


def test_bytes_are_written_in_hexadecimal() -> None:
    assert read_source("A", {"hex": "fffe00"}) == b"\xff\xfe\x00"


@pytest.mark.parametrize("field", ["detials", "fuels", "Build"])
def test_a_misspelt_field_is_refused(field: str) -> None:
    with pytest.raises(TypeError, match=field):
        read_item(
            {"id": "A01", "title": "", "layers": "R", "cases": [{"source": {"hex": ""}, "verdict": "DENY", field: 1}]}
        )


@pytest.mark.parametrize(
    ("initial", "step", "wrong"),
    [
        ("return {}", "return -gradient, state", Case("", b"", Verdict.REJECT)),
        ("return {}", "return gradient / 0, state", Case("", b"", Verdict.NEUTRAL)),
        ("return [][0]", "return -gradient, state", Case("", b"", Verdict.INVALID)),
        ("return [][0]", "return -gradient, state", Case("", b"", Verdict.DENY, detail=("KeyError",))),
        ("return x", "return -gradient, state", Case("", b"", Verdict.REJECT, detail=("D150",))),
        ("return {}", "return gradient, state", Case("", b"", Verdict.NEUTRAL, equals=module())),
    ],
)
def test_another_end_than_the_expected_fails(initial: str, step: str, wrong: Case) -> None:
    source = module(initial, step=step)
    check(Case("", source, observe(source, in_process).verdict), in_process)
    with pytest.raises(AssertionError):
        check(replace(wrong, source=source), in_process)


CASES = [case for item in ITEMS for case in item.cases if case.build is Build.FULL and case.verdict in IN_PROCESS]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_with_all_layers_on_the_attack_ends_as_it_must(case: Case) -> None:
    check(case, in_process)
