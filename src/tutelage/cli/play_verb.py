"""`tutelage play RUN --out rollout.gif`: let a trained agent act in one episode, and draw it."""

import argparse
from pathlib import Path

from tutelage.cli.out_file import check_out_file, say_new_folder
from tutelage.core.durable import write_durably
from tutelage.core.errors import UsageError
from tutelage.core.outlet import one_line, say_json, tell, warn
from tutelage.run.play import play
from tutelage.run.run import Run

__all__ = ["run"]

ENDING = ".gif"


def run(arguments: argparse.Namespace) -> int:
    """Play, write the animation, and tell the return."""
    if Path(arguments.out).suffix.lower() != ENDING:
        ending = Path(arguments.out).suffix or "no ending"
        raise UsageError(
            f"--out {arguments.out}: expected a name that ends in {ENDING}, an animation, which is all that is written; "
            f"found {ending}. "
            "Other programs make pictures and films of it, such as ffmpeg -i rollout.gif rollout.mp4."
        )
    check_out_file(arguments.out, [])
    rollout = play(Run.open(arguments.run, tell=warn), seed=arguments.seed, max_steps=arguments.max_steps)
    say_new_folder(arguments.out)
    write_durably(Path(arguments.out), rollout.animation)
    if not rollout.is_drawn:
        warn(f"the environment did not draw itself ({one_line(rollout.reason)}): its numbers are drawn over time instead.")
    if arguments.json:
        told = {"run": arguments.run, "out": arguments.out, "return": rollout.total, "steps": rollout.steps}
        say_json(told | {"is_drawn": rollout.is_drawn, "seed": arguments.seed})
    else:
        tell(f"played   return {rollout.total:.4g} in {rollout.steps:,} steps: {one_line(arguments.out)}")
    return 0
