"""The surroundings in which the same modules must end the same way: every variable of Python's, limits, locales."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.support.folders import ROOT

KEPT: Final = ("HOME", "PATH", "TMPDIR")
"""Variables of the caller's that every environment has."""
THREADS: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
SMALL_STACK: Final = 2**21
"""A quarter of the usual; with half of this, Python 3.13 crashes when it drops values nested ten thousands deep. A
worker's is always the usual one."""


@dataclass(frozen=True)
class Environment:
    """What is set for a process."""

    variables: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    """Of Python's command line."""
    before: str = ""
    """Statements that run in the process before everything else."""
    limits: Mapping[int, int] = field(default_factory=dict)
    """Soft and hard limits of the process."""

    def run(self, arguments: tuple[str, ...], python: str = sys.executable) -> subprocess.CompletedProcess[str]:
        """Run the probe."""
        program = f"import sys\n{self.before}\nfrom tests.surroundings import probe\nprobe.main(sys.argv[1:])"
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        return subprocess.run(
            [python, *self.options, "-c", program, *arguments],
            cwd=ROOT,
            env={**kept, **THREADS, **self.variables},
            capture_output=True,
            check=False,
            text=True,
            errors="replace",
            preexec_fn=self._limit,  # nothing runs beside it here
        )

    def _limit(self) -> None:
        for limit, value in self.limits.items():
            resource.setrlimit(limit, (value, value))


def _each(**variables: str) -> dict[str, Environment]:
    return {f"{name}={value}": Environment({name: value}) for name, value in variables.items()}


# Of the variables that Python 3.11 to 3.14 document, those that need no special build. PYTHONHOME, PYTHONPATH,
# PYTHONPLATLIBDIR, PYTHONEXECUTABLE and PYTHONUSERBASE say which Python and which libraries run: not the same ones.
VARIABLES: Final = _each(
    PYTHONASYNCIODEBUG="1",
    PYTHONBREAKPOINT="os.abort",
    PYTHONCASEOK="1",
    PYTHONCOERCECLOCALE="0",
    PYTHONDEBUG="1",
    PYTHONDEVMODE="1",
    PYTHONDONTWRITEBYTECODE="1",
    PYTHONFAULTHANDLER="1",
    PYTHONHASHSEED="0",
    PYTHONINSPECT="",
    PYTHONINTMAXSTRDIGITS="640",
    PYTHONIOENCODING="ascii:strict",
    PYTHONMALLOC="debug",
    PYTHONNODEBUGRANGES="1",
    PYTHONNOUSERSITE="1",
    PYTHONOPTIMIZE="2",
    PYTHONPERFSUPPORT="0",
    PYTHONPROFILEIMPORTTIME="1",
    PYTHONPYCACHEPREFIX="/dev/null/cache",
    PYTHONSAFEPATH="",
    PYTHONSTARTUP="/nowhere/startup.py",
    PYTHONTRACEMALLOC="5",
    PYTHONUNBUFFERED="1",
    PYTHONUTF8="0",
    PYTHONVERBOSE="1",
    PYTHONWARNDEFAULTENCODING="1",
    PYTHONWARNINGS="error",
    PYTHON_BASIC_REPL="1",
    PYTHON_COLORS="1",
    PYTHON_CPU_COUNT="1",
    PYTHON_FROZEN_MODULES="off",
    PYTHON_GIL="1",
    PYTHON_HISTORY="/nowhere/history",
)
OTHERS: Final = {
    "nothing set": Environment(),
    "hashes of another seed": Environment({"PYTHONHASHSEED": "4294967295"}),
    "as many digits as one likes": Environment({"PYTHONINTMAXSTRDIGITS": "0"}),
    "C locale": Environment({"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}),
    "a locale with commas": Environment({"LC_ALL": "de_DE.ISO-8859-1", "LANG": "de_DE"}),
    "a locale that does not exist": Environment({"LC_ALL": "xx_XX.latin-1"}),
    "no memory to speak of": Environment({"MALLOC_ARENA_MAX": "1", "MALLOC_PERTURB_": "165"}),
    "another time zone": Environment({"TZ": "Pacific/Kiritimati"}),
    "warnings as errors": Environment(options=("-W", "error")),
    "optimised": Environment(options=("-OO",)),
    "bytes are warned of": Environment(options=("-bb",)),
    "developers": Environment(options=("-X", "dev", "-X", "tracemalloc=3")),
    "isolated": Environment(options=("-s", "-E")),
    "NumPy raises": Environment(before="import numpy\nnumpy.seterr(all='raise')"),
    "NumPy prints": Environment(before="import numpy\nnumpy.seterr(all='print')"),
    "warnings always, to errors": Environment(before="import warnings\nwarnings.simplefilter('error')"),
    "torch flushes denormals": Environment(before="import torch\ntorch.set_flush_denormal(False)"),
    "another precision": Environment(before="import decimal\ndecimal.getcontext().prec = 3"),
    "a low limit of recursion": Environment(before="sys.setrecursionlimit(200)"),
    "a high limit of recursion": Environment(before="sys.setrecursionlimit(20000)"),
    "a small stack": Environment(limits={resource.RLIMIT_STACK: SMALL_STACK}),
    "few descriptors": Environment(limits={resource.RLIMIT_NOFILE: 64}),
    "no core dumps, no locked memory": Environment(limits={resource.RLIMIT_CORE: 0, resource.RLIMIT_MEMLOCK: 0}),
}
ALL: Final = {**VARIABLES, **OTHERS}
"""By a name for people."""
_SLOW: Final = ("PYTHONDEVMODE", "PYTHONMALLOC", "PYTHONPROFILEIMPORTTIME", "PYTHONTRACEMALLOC", "PYTHONVERBOSE")
TOGETHER: Final = {
    "every variable at once": Environment(
        {name: value for one in VARIABLES.values() for name, value in one.variables.items() if name not in _SLOW},
    ),
    "every other setting at once": Environment(
        {"LC_ALL": "C", "TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "4294967295"},
        ("-bb", "-OO"),
        "import numpy, torch, tests.surroundings.probe, warnings\n"
        "numpy.seterr(all='raise')\nwarnings.simplefilter('error')\nsys.setrecursionlimit(200)",
        {resource.RLIMIT_STACK: SMALL_STACK, resource.RLIMIT_NOFILE: 64},
    ),
}
"""What the tests run, as each process takes seconds."""
