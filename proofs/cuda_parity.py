"""Run everything that needs a CUDA device and record on what it ran and how it ended.

    python -m proofs.cuda_parity

The tests marked `cuda` compute every operation, the start-up self-test and whole trainings on the device and compare
bits with what CPUs recorded in fixtures/. The outcome goes to proofs/results/cuda_parity.json, one entry for each kind
of device and version of torch. Without a CUDA device nothing is recorded, and the exit code is 3.
"""

from __future__ import annotations

import datetime
import json
import platform
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

import torch

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "proofs" / "results" / "cuda_parity.json"


def environment() -> dict[str, str]:
    """What the outcome may depend on."""
    driver = subprocess.run(
        ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"],
        capture_output=True,
        text=True,
        check=False,
    )
    major, minor = torch.cuda.get_device_capability()
    return {
        "device": torch.cuda.get_device_name(),
        "compute_capability": f"{major}.{minor}",
        "driver": driver.stdout.strip().splitlines()[0] if driver.stdout.strip() else "unknown",
        "torch": torch.__version__,
        "cuda": str(torch.version.cuda),
        "python": platform.python_version(),
        "machine": f"{platform.system().lower()}-{platform.machine()}",
    }


def run_tests() -> dict[str, object]:
    """Run the marked tests; how many there were, and the names of those that failed or did not run."""
    started = time.perf_counter()
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-m", "cuda", "-p", "no:cacheprovider", f"--junit-xml={report}"],
            cwd=ROOT,
            check=False,
        )
        cases = list(ElementTree.parse(report).iter("testcase"))
    bad = [f"{case.get('classname')}.{case.get('name')}" for case in cases if len(case)]
    return {"tests": len(cases), "failed_or_skipped": bad, "seconds": round(time.perf_counter() - started)}


def main() -> int:
    if not torch.cuda.is_available():
        print("torch finds no CUDA device here: nothing was run and nothing is recorded", file=sys.stderr)
        return 3
    found = {**environment(), **run_tests(), "date": datetime.datetime.now(datetime.UTC).date().isoformat()}
    records = json.loads(RECORD.read_text()) if RECORD.exists() else []
    kept = [r for r in records if (r["device"], r["torch"]) != (found["device"], found["torch"])]
    RECORD.write_text(json.dumps([*kept, found], indent=1) + "\n")
    print(json.dumps(found, indent=1))
    return 1 if found["failed_or_skipped"] or not found["tests"] else 0


if __name__ == "__main__":
    sys.exit(main())
