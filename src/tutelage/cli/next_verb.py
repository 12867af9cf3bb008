"""What a trained model can be used for: the command that follows a training."""

from tutelage.core.outlet import one_line, tell
from tutelage.run.run import Run

__all__ = ["tell_next"]


def tell_next(done: Run) -> None:
    """Tell the command that uses what a run has learned."""
    folder = one_line(str(done.path))
    # Folders of older versions do not say so, and all of their tasks did.
    if done.result.get("answers_rows", True):
        tell(f"predict  tutelage predict {folder} INPUT...")
    elif done.decided.task.continues_series:
        tell(f"predict  tutelage predict {folder}   # what comes next")
    elif done.decided.task.writes_text:
        tell(f"generate tutelage generate {folder} --prompt TEXT")
    elif done.makes_samples:
        tell(f"generate tutelage generate {folder} --num 64 --out FILE")
    elif done.decided.task.plays:
        tell(f"play     tutelage play {folder} --out rollout.gif")
