"""`tig-verify compare`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from arithmetic import self_test
from protocol.settings import Settings, instance_seed
from verifier.challenge.editions import Track
from verifier.challenge.errors import InputError
from verifier.command_line.comparison_log import Runs
from verifier.command_line.comparison_report import as_json, as_row, as_table
from verifier.command_line.comparison_trials import Contest, Entrant, Heat
from verifier.command_line.instance_options import Nonces, settings_options
from verifier.command_line.isolation_options import device_option, isolation_option
from verifier.command_line.plot_files import Picture, require_drawing, write_picture
from verifier.command_line.trials import require_dialect, train
from verifier.experiments.comparison import Comparison
from verifier.experiments.comparison import compare as compared

_CAPTION = (
    "Left: the quality of every training. Right: by nonce, the quality less that of the first optimiser, the mean "
    "difference and its 95 % confidence interval (Student's, for paired differences, each for itself). Excess is the "
    "test loss above the floor, in thresholds, on solvable nonces."
)


class Count(Nonces):
    """How many nonces, from 0 on, or a range with both ends."""

    name = "COUNT or A..B"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> range:
        """Read the text of the option."""
        text = str(value)
        if not text.isascii() or not text.isdecimal():
            return super().convert(value, param, ctx)
        if int(text) == 0:
            self.fail("0 nonces are none to compare on", param, ctx)
        return super().convert(f"0..{int(text) - 1}", param, ctx)


@click.command()
@click.argument("optimisers", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--track", required=True, help="Difficulty, such as n_hidden=4 or n_hidden=4,n_data=1024.")
@click.option("--nonces", required=True, type=Count(), help="So many nonces from 0 on (20), or a range (20..39).")
@settings_options
@click.option("--fuel", "fuel_budget", type=click.IntRange(1), help="Fuel budget; default: the edition's maximum.")
@isolation_option
@device_option
@click.option("--jobs", type=click.IntRange(1), help="Processes to share the work. Default: all cores.")
@click.option("--out", type=click.Path(path_type=Path),
              help="Append every training to this file as JSON, and skip those that it has.")  # fmt: skip
@click.option("--picture", type=click.Path(path_type=Path), help="Draw the differences: a .png or a .html.")
@click.option("--json", "in_json", is_flag=True, help="Print one JSON object for each optimiser.")
def compare(
    optimisers: tuple[Path, ...], track: str, nonces: range, edition: str, rand_hash: str, player_id: str,
    algorithm_id: str, block_id: str, challenge_id: str, fuel_budget: int | None, isolation: str, device: str,
    jobs: int | None, out: Path | None, picture: Path | None, in_json: bool,
) -> None:  # fmt: skip
    """Train OPTIMISERS on the same nonces and compare each with the first one, nonce by nonce.

    Of the difference in quality, a mean and its 95 % confidence interval are printed: Student's, for paired
    differences, each for itself, so that of twenty optimisers that are no better one will seem so. With few nonces it
    is rough, and wide.

    An instance whose floor is above the threshold of its whole test set is unsolvable; "qualified" and "excess" are of
    the others. The floor is the squared mean of the training targets, below which no training loss can be. Excess is
    the test loss above it, in thresholds: (loss - floor) / threshold. A test loss can be below the floor, by chance or
    where the running statistics lag behind.

    \b
    Example: tig-verify compare adam.py mine.py --track n_hidden=4 --nonces 20 --out runs.jsonl --picture adam-mine.png
    """
    maximum = Track.parse(edition, track).edition.max_fuel_budget
    if fuel_budget is not None and fuel_budget > maximum:
        raise InputError(f"--fuel: the edition's maximum is {maximum}")
    settings = Settings(algorithm_id, block_id, challenge_id, player_id, track)
    instance_seed(settings, rand_hash, nonces[0])  # refuses impossible settings before anything is computed
    entrants = [Entrant.read(path) for path in optimisers]
    _require_different(entrants)
    if picture is not None:
        require_drawing(picture)
    require_dialect({entrant.path: entrant.source for entrant in entrants}, isolation)
    self_test.require_sound(device)
    contest = Contest(edition, settings, rand_hash, fuel_budget or maximum, isolation, device)
    with Runs(out, contest) as runs:
        heats = [Heat(entrant, nonce) for nonce in nonces for entrant in entrants]
        train(contest.opened, heats, [heat for heat in heats if runs.find(heat) is None], jobs, runs.add)
        comparisons = compared(
            {
                name: [run for nonce in nonces if (run := runs.find(Heat(entrant, nonce)))]
                for name, entrant in zip(_names(entrants), entrants, strict=True)
            }
        )
    for line in [as_json(each) for each in comparisons] if in_json else as_table(comparisons):
        click.echo(line)
    if picture is not None:
        write_picture(picture, _picture(comparisons, f"{edition}, {track}"))


def _require_different(entrants: Sequence[Entrant]) -> None:
    seen: dict[str, Path] = {}
    for entrant in entrants:
        if (other := seen.setdefault(entrant.digest, entrant.path)) is not entrant.path:
            raise InputError(f"{entrant.path}: is the same module as {other}; name each once")
    if len(entrants) == 1:
        raise InputError("one optimiser has nothing to be compared with; name two or more")


def _names(entrants: Sequence[Entrant]) -> list[str]:
    """Short names, unless two files share one."""
    short = [entrant.path.stem for entrant in entrants]
    return short if len(set(short)) == len(short) else [str(entrant.path) for entrant in entrants]


def _picture(comparisons: Sequence[Comparison], where: str) -> Picture:
    from verifier.experiments.plots.comparison import comparison_picture

    names = ", ".join(each.name for each in comparisons)
    return Picture(
        title=f"Comparison on {where}",
        png=comparison_picture(comparisons, where),
        alternative=f"Qualities and paired differences of {names}",
        caption=_CAPTION,
        rows=[as_row(each, comparisons[0].name) for each in comparisons],
    )
