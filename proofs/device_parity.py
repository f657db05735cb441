"""Takes the parts of a device's test, one after the other, and keeps what each has found."""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Final

import torch

from proofs.device_parts import DRY, GPU, PARTS, ROOT, Found, Plan, interpreted, one_step
from verifier.challenge.versions import sources

RECORD: Final = ROOT / "proofs" / "results" / "cuda_parity.json"


def machine(plan: Plan) -> Found:
    """What the outcome may depend on."""
    found: Found = {
        "sources": sources(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "machine": f"{platform.system().lower()}-{platform.machine()}",
        "device": plan.device,
    }
    if plan.device == "cuda":
        major, minor = torch.cuda.get_device_capability()
        found |= {
            "device": torch.cuda.get_device_name(),
            "capability": f"{major}.{minor}",
            "cuda": str(torch.version.cuda),
            "triton": version("triton"),
            "driver": _said_by("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"),
            "gigabytes": round(torch.cuda.mem_get_info()[1] / 2**30),
        }
    return found


def _said_by(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return "unknown"
    lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split("\n")
    return lines[0].strip() or "unknown"


def taken(part: str, plan: Plan) -> Found:
    """What a part finds, and its seconds; an error is found too."""
    began = time.perf_counter()
    try:
        found = PARTS[part][0](plan)
    except Exception as error:  # the other parts are worth the machine's time all the same
        found = {"wrong": [f"{type(error).__name__}: {error}"]}
    return {"passed": not found["wrong"], "took": round(time.perf_counter() - began, 1), **found}


def line(part: str, found: Found) -> str:
    """A part for the table."""
    said = found.get("skipped") or "; ".join(map(str, found["wrong"][:3]))
    return f"{part:12} {'ok' if found['passed'] else 'FAILED':7} {found['took']:7.1f} s  {said}"


def kept(path: Path, about: Found) -> Found:
    """What an earlier call found with the same code on the same machine."""
    if not path.exists():
        return {}
    record: Found = json.loads(path.read_text())
    return dict(record["parts"]) if record["machine"] == about else {}


def main(arguments: Sequence[str], about: str) -> int:
    """Take what the arguments ask for, of a script that is about this; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m proofs.cuda_parity", description=about)
    parser.add_argument("--minutes", type=float, default=8.0, help="begin no part that would end later")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART")
    parser.add_argument("--again", action="store_true", help="also the parts that have passed")
    parser.add_argument("--results", type=Path, default=RECORD)
    parser.add_argument(
        "--dry-run", nargs="?", const="torch", choices=("torch", "triton"), help="on this machine's CPU"
    )
    parser.add_argument("--one-step", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    plan, began = _plan(given.dry_run), time.monotonic()
    torch.set_num_threads(1)
    if plan.device == "cuda" and not torch.cuda.is_available():
        print(f"torch {torch.__version__} finds no GPU here: nothing is run, and nothing recorded", file=sys.stderr)
        return 3
    if given.one_step:
        return one_step(plan)
    return run(plan, given, began)


def _plan(dry_run: str | None) -> Plan:
    if dry_run is None:
        return GPU
    return DRY if dry_run == "torch" else replace(DRY, networks=interpreted)


def run(plan: Plan, given: argparse.Namespace, began: float) -> int:
    """Take the parts that are left; the exit code."""
    about = machine(plan)
    parts = {} if given.dry_run else kept(given.results, about)
    print(", ".join(f"{name} {value}" for name, value in about.items()), flush=True)
    left = []
    for part in given.only:
        if not given.again and parts.get(part, {}).get("passed"):
            print(f"{line(part, parts[part])}  (from before)", flush=True)
            continue
        if time.monotonic() - began + PARTS[part][1] > 60.0 * given.minutes and not given.dry_run:
            left.append(part)
            continue
        parts[part] = taken(part, plan)
        print(line(part, parts[part]), flush=True)
        if not given.dry_run:
            date = datetime.datetime.now(datetime.UTC).date().isoformat()
            given.results.write_text(json.dumps({"machine": about, "date": date, "parts": parts}, indent=1) + "\n")
    if left:
        print(f"left for want of time: {', '.join(left)}; the same call goes on", flush=True)
    return 1 if any(not parts[part]["passed"] for part in given.only if part in parts) else 4 if left else 0
