"""`tig-verify solve`."""

from __future__ import annotations

from pathlib import Path

import click

from verifier.challenge.errors import InputError
from verifier.command_line.files import load_signing_key, read_module, require_short, require_writable
from verifier.command_line.options.execution_options import Execution, many_execution_options
from verifier.command_line.options.overrides import require_fitting
from verifier.command_line.options.work_options import Work, work_options
from verifier.command_line.solving.claim_folder import ClaimFolder
from verifier.command_line.solving.nonce_solver import NonceSolver
from verifier.command_line.solving.solve_run import SolveRun
from verifier.runs.run_log import FORMAT, RunLog


@click.command()
@click.argument("optimiser", type=click.Path(path_type=Path))
@click.option("--key", required=True, type=click.Path(path_type=Path), help="Private key that signs the claims.")
@click.option("-o", "--out", "folder", default=".", type=click.Path(path_type=Path), help="Folder for the claims.")
@work_options
@many_execution_options
@click.option("--overwrite", is_flag=True, help="Replace files that have the names of claims and are others.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each event: a claim, a failure ..")
def solve(
    optimiser: Path, work: Work, key: Path, folder: Path, execution: Execution, overwrite: bool, as_json: bool
) -> int:
    """Train OPTIMISER on the instance of each nonce and write signed claims.

    For each nonce a .claim, a .solution and a .transcript are written, and once the module under the name of its
    digest. A nonce whose claim is there is done: the same call again goes on where the last one ended, however that
    was. A nonce that fails is named at the end, and the others are trained all the same.

    What is trained follows from --precommit and --seed-beacon, or is chosen here, with --track, --nonces and the
    options after them: then nobody can know how many choices were tried.

    --device cuda: each GPU trains many nonces at once, and --jobs processes score them and train what a GPU leaves to
    them. The claims are the same. auto: the same if this machine has a GPU that can, else as without the option.

    A call with several nonces keeps a log beside the claims, OPTIMISER-TRACK.run, which `tig-verify status` reads.
    While it is at work, no other one can be that has the same optimiser, track, shard and folder.

    Exit code 4 if --deadline or --limit left nonces untried, else 2 if the module failed on one, else 3 if a process
    or the machine did.

    \b
    Example: tig-verify solve adam.py --precommit adam.precommit --seed-beacon 6b --key key.pem -o out
             tig-verify solve adam.py --track n_hidden=4 --nonces 0..9999 --jobs 16 --key key.pem -o out
             tig-verify solve adam.py --track n_hidden=4 --nonces @nonces.txt --shard 3/16 --deadline 2h --key key.pem
    """
    module = read_module(optimiser)
    task, signing_key = work.task(module), load_signing_key(key)
    if work.signer not in (None, signing_key.verify_key.raw):
        raise InputError(f"{key}: did not sign the precommit; pass the key that did")
    require_writable(folder)
    claims = ClaimFolder(folder, optimiser, module, task, signing_key, overwrite)
    require_fitting(module, optimiser, task.hyperparameters, execution.isolation)
    require_short(claims.files(work.nonces[-1]).transcript)
    solver = NonceSolver(task, module, execution.isolation)
    run = SolveRun(claims, work.nonces, solver, execution, as_json)
    if len(work.nonces) == 1:
        return run.solve()
    folder.mkdir(parents=True, exist_ok=True)
    with RunLog(run.log_path, FORMAT) as log:
        return run.solve(log)
