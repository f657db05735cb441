"""The steps of the example of a GitHub Action, run as a runner does: by bash, with the inputs of its workflow."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.support.folders import FIXTURES, ROOT

ACTION: Final = ROOT / "examples" / "github-action"
BASH: Final = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")
"""What `shell: bash` is."""
PIP = """#!/bin/sh
[ "$1 $2 $3" = "-m pip install" ] || exec {python} "$@"
echo "$@" "from <$PIP_EXTRA_INDEX_URL>" >> pip.log
"""
"""An interpreter that notes what it should install."""


def read(name: str) -> dict[str, Any]:
    said: dict[str, Any] = yaml.safe_load((ACTION / name).read_text())
    return said


STEPS: Final[dict[str, dict[str, Any]]] = {
    step["name"]: step for step in read("action.yml")["runs"]["steps"] if "run" in step
}


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository in which the workflow's modules are, and programs that a runner would have installed."""
    monkeypatch.chdir(tmp_path)
    Path("bin").mkdir()
    Path("bin/python").write_text(PIP.format(python=sys.executable))
    Path("bin/python").chmod(0o755)
    Path("optimisers").mkdir()
    shutil.copy(FIXTURES / "optimisers" / "sgd.py", "optimisers")


def inputs() -> dict[str, str]:
    """Those that the workflow gives, and the action's own."""
    action, (job,) = read("action.yml"), read("workflow.yml")["jobs"].values()
    (given,) = [step["with"] for step in job["steps"] if step["uses"] == "./.github/actions/tig-verify"]
    assert given.keys() <= action["inputs"].keys()
    return {name: given.get(name, about.get("default")) for name, about in action["inputs"].items()}


def run(name: str, **given: str) -> subprocess.CompletedProcess[str]:
    """Run a step."""
    values = {**inputs(), **given}

    def filled(text: str) -> str:
        return re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: values[found[1]], text)

    step = STEPS[name]
    assert step["shell"] == "bash"
    assert "${{" not in step["run"], "an input in a script is code of whoever wrote it"
    path = f"{Path('bin').absolute()}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    runner = {"GITHUB_STEP_SUMMARY": "summary.md", "GITHUB_ACTION_PATH": str(ACTION), "PATH": path}
    environment = {**os.environ, **runner, **{key: filled(text) for key, text in step["env"].items()}}
    return subprocess.run([*BASH, step["run"]], env=environment, capture_output=True, text=True, check=False)


def test_every_step_is_run_here() -> None:
    assert list(STEPS) == ["Install", "Check modules", "Check golden files"]


def test_what_is_installed_is_what_the_inputs_say() -> None:
    assert run("Install", **{"extra-index-url": "https://example.org/cpu"}).returncode == 0
    assert Path("pip.log").read_text() == "-m pip install --quiet tig-verify from <https://example.org/cpu>\n"


@pytest.mark.slow
def test_problems_of_modules_are_annotations() -> None:
    assert run("Check modules").returncode == 0
    Path("optimisers/bad one.py").write_text("import os\nimport math\n")
    done = run("Check modules")
    assert done.returncode == 1
    first, *lines = done.stdout.splitlines()
    matcher = Path(first.removeprefix("::add-matcher::"))
    (said,) = json.loads(matcher.read_text())["problemMatcher"]
    (pattern,) = said["pattern"]
    found = [match for line in lines if (match := re.match(pattern["regexp"], line))]
    names = ("file", "line", "column", "code")
    assert [found[-1][pattern[name]] for name in names] == ["optimisers/bad one.py", "1", "8", "D130"]
    assert found[-1][pattern["message"]].startswith("import of 'os' is not allowed")
    assert len(found) == len(lines) - 1  # the last line but those of the other file, which has no problems


@pytest.mark.slow
def test_golden_files_that_differ_fail_the_job_and_are_in_its_summary() -> None:
    Path("golden").mkdir()
    for name in ("sgd", "momentum"):
        shutil.copy(FIXTURES / "optimisers" / f"{name}.py", "optimisers")
    for end in ("non-finite-loss", "out-of-fuel"):
        shutil.copy(FIXTURES / "golden" / f"momentum-n_hidden=1-{end}.golden", f"golden/{end}.golden")
    file = Path("golden/non-finite-loss.golden")
    file.write_text(file.read_text().replace('"quality": -5916098', '"quality": 1'))
    done = run("Check golden files")
    assert done.returncode == 1
    for text in (done.stderr, Path("summary.md").read_text()):
        assert "score.quality: recorded 1, computed -5,916,098\n" in text
        assert "golden/out-of-fuel.golden: agrees: 13 epochs" in text
    assert all(line.startswith("    ") for line in Path("summary.md").read_text().splitlines())


def test_golden_files_are_checked_only_where_there_are_some() -> None:
    assert STEPS["Check golden files"]["if"] == "${{ inputs.golden != '' }}"
    assert inputs()["golden"] == "golden"
