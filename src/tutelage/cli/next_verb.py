"""What a trained model can be used for: the command that follows a training; of a language model also what it writes."""

from tutelage.core.outlet import one_line, tell
from tutelage.run.run import Run

__all__ = ["tell_next"]

SAMPLE_LINES, SAMPLE_WIDTH = 3, 100
"""Of a text that a language model has written: lines that are shown, and characters of each."""


def tell_next(done: Run) -> None:
    """Tell the command that uses what a run has learned."""
    folder = one_line(str(done.path))
    # Folders of older versions do not say so, and all of their tasks did.
    if done.result.get("answers_rows", True):
        tell(f"predict  tutelage predict {folder} INPUT...")
    elif done.decided.task.continues_series:
        tell(f"predict  tutelage predict {folder}   # what comes next")
    elif done.decided.task.writes_text:
        _tell_sample(str(done.result.get("leaving_sample", "")))
        tell(f"generate tutelage generate {folder} --prompt TEXT")
    elif done.makes_samples:
        tell(f"generate tutelage generate {folder} --num 64 --out FILE")
    elif done.decided.task.plays:
        tell(f"play     tutelage play {folder} --out rollout.gif")


def _tell_sample(text: str) -> None:
    """Show the first lines of what a language model has written at the end of its training; all of it is in the report."""
    lines = [one_line(line.strip()) for line in text.splitlines() if line.strip()]
    for number, line in enumerate(lines[:SAMPLE_LINES]):
        cut = f"{line[:SAMPLE_WIDTH]}..." if len(line) > SAMPLE_WIDTH else line
        tell(f"{'writes ' if not number else '       '}  {cut}")
