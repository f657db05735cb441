"""The suite's language, protocol and arithmetic parts on AArch64, emulated; results/aarch64.json has the outcomes.

    python -m proofs.aarch64 [--keep FOLDER] [--cpu MODEL] [--part NAME ...] [--limit SECONDS]

Builds a Debian root with its Python and the pinned wheels, without executing anything of it, and runs the parts by
user-mode emulation. Needs Debian's qemu-user-static and mmdebstrap, a package index and 8 GB. A part that runs is
replaced in the record.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from proofs.versions import ROOT, NotInstalledError, pins, processor

RESULTS = ROOT / "proofs" / "results" / "aarch64.json"
SUITE, PYTHON = "bookworm", "3.11"
PLATFORMS = [f"manylinux_2_{minor}_aarch64" for minor in range(28, 16, -1)] + ["manylinux2014_aarch64"]
PACKAGES = (
    "torch numpy msgpack cryptography blake3 RestrictedPython click rich numba threadpoolctl hypothesis "
    "pytest pytest-xdist"
).split()

_PYTEST = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", "-m", "not slow", "--tb=line"]
_COMPILE = """
from arithmetic.compiled.compilation import main
from arithmetic.compiled.kernel_cache import kernel_file
from arithmetic.compiled.processor import Processor
from verifier.challenge.network.compiled.network_kernels import NETWORK

here = Processor.here()
main([here.name, here.features, str(kernel_file(NETWORK, here)), NETWORK.entries])
"""
"""What the network has a process of its own do, which cannot be started in the emulator."""
PARTS: dict[str, list[str]] = {
    "operations": ["-m", "tests.parity.operations", "check"],
    "arithmetic": [*_PYTEST, "tests/arithmetic"],
    "programs": [*_PYTEST, "tests/sandbox/execution", "tests/sandbox/program"],
    "language": [*_PYTEST, "tests/sandbox/language", "tests/sandbox/tensors"],
    "protocol": [*_PYTEST, "tests/protocol"],
    "compilation": ["-c", _COMPILE],
    "compiled network": [*_PYTEST, "tests/verifier/challenge/network/compiled"],
    "vectors": [*_PYTEST, "tests/vectors"],
    "golden run": ["-m", "tests.golden.golden_runs", "check", "sgd-n_hidden=2"],
}
NOT_RUN = {
    "marked slow": "they start processes, which the emulator does not carry over, or train for long",
    "tests/sandbox/jail, tests/sandbox/worker": "the emulator has neither seccomp nor namespaces",
}
CPUINFO = "processor\t: 0\nFeatures\t: fp asimd crc32 atomics\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n\n"
SYSFS = {"possible": "0", "present": "0", "online": "0", "cpu0/regs/identification/midr_el1": "0x00000000413fd0c1"}


def checked(*command: str | Path) -> None:
    """Run a command of the build. Raises NotInstalledError."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise NotInstalledError(f"{command[0]} is not installed") from None
    if done.returncode:
        raise NotInstalledError(" ".join([str(command[0]), *done.stderr.splitlines()[-2:]]))


def build(folder: Path) -> None:
    """Fill a folder with a root and the packages; one that is complete is left as it is. Raises NotInstalledError."""
    if (folder / "complete").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    root = folder / "root"
    checked(
        "mmdebstrap", "--variant=extract", "--architectures=arm64", "--include=python3,libgomp1,libstdc++6", SUITE, root
    )
    fixed = folder / "constraints.txt"
    fixed.write_text("".join(f"{name}=={pinned}\n" for name, pinned in pins().items()))
    platforms = [word for platform in PLATFORMS for word in ("--platform", platform)]
    target = ["--python-version", PYTHON, "--implementation", "cp", "--only-binary=:all:", *platforms]
    pip = [sys.executable, "-m", "pip", "install", "--no-cache-dir", "--no-compile", "--constraint", str(fixed)]
    checked(*pip, *target, "--target", folder / "site", *PACKAGES)
    own = folder / "site" / "tig_verify.dist-info"  # a run's record has the version of what ran
    own.mkdir()
    (own / "METADATA").write_text(f"Metadata-Version: 2.1\nName: tig-verify\nVersion: {version('tig-verify')}\n")
    processor_files(root)
    (folder / "complete").touch()


def processor_files(root: Path) -> None:
    """Tell torch of an AArch64 processor: from the host's files, which the emulator shows, it crashes."""
    cpu = root / "sys" / "devices" / "system" / "cpu"
    files = {root / "proc" / "cpuinfo": CPUINFO, **{cpu / name: text + "\n" for name, text in SYSFS.items()}}
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def emulated(folder: Path, cpu: str, limit: float, *arguments: str) -> dict[str, Any]:
    """Run the folder's Python; the exit code, what pytest counted, what failed, and the time."""
    root = folder / "root"
    own = {"PYTHONPATH": os.pathsep.join([str(folder / "site"), str(ROOT)])}
    usual = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("PYTHON", "TIG_", "OPENBLAS_"))}
    python = root / "usr" / "bin" / f"python{PYTHON}"
    command = ["qemu-aarch64-static", "-cpu", cpu, "-L", str(root), str(python), *arguments]
    started = time.monotonic()
    try:
        done = subprocess.run(
            command, cwd=ROOT, env={**kept, **usual, **own}, capture_output=True, text=True, check=False, timeout=limit
        )
    except subprocess.TimeoutExpired:
        return {"stopped_after_seconds": round(limit)}
    seconds = round(time.monotonic() - started)
    return {"exit_code": done.returncode, **counted(done.stdout or done.stderr), "seconds": seconds}


def counted(text: str) -> dict[str, Any]:
    """The numbers of pytest's last line and the tests that failed; else the last line."""
    last = (text.splitlines() or [""])[-1]
    found = re.findall(r"(\d+) (passed|failed|errors?|skipped|deselected)", last)
    failures = re.findall(r"^(?:FAILED|ERROR) (.*)$", text, re.MULTILINE)
    return {"counts": {kind: int(count) for count, kind in found}, "failures": failures} if found else {"says": last}


def main() -> int:
    """Build, run, print and record; 1 if a part does not pass."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the environment there, and use the one there")
    parser.add_argument("--cpu", default="neoverse-n1", help="the emulator's model; max has SVE")
    parser.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS), metavar="NAME", help=", ".join(PARTS))
    parser.add_argument("--limit", type=float, default=3600, metavar="SECONDS", help="of each part; default: 3600")
    options = parser.parse_args()
    record: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"parts": {}}
    with tempfile.TemporaryDirectory(prefix="aarch64-") as temporary:
        folder = ((options.keep or Path(temporary)) / "environment").resolve()
        try:
            build(folder)
        except NotInstalledError as reason:
            print(f"not installed: {reason}")
            return 3
        for part in options.part:
            outcome = emulated(folder, options.cpu, options.limit, *PARTS[part])
            record["parts"].setdefault(options.cpu, {})[part] = {"date": f"{datetime.date.today()}", **outcome}
            print(options.cpu, part, outcome, flush=True)
            record |= {
                "host": processor(),
                "versions": {name: pins().get(name) for name in PACKAGES},
                "not_run": NOT_RUN,
            }
            RESULTS.write_text(json.dumps(record, indent=1) + "\n")
    ran = record["parts"][options.cpu]
    return int(any(ran[part].get("exit_code") != 0 for part in options.part))


if __name__ == "__main__":
    sys.exit(main())
