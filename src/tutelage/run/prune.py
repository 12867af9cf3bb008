"""From a run to a narrower one: channels leave, the rest is trained on for a while, measured, refused where it answers worse."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from tutelage.core import catalog
from tutelage.core.emitter import Emitter
from tutelage.core.errors import RunError, UsageError
from tutelage.model.narrow import narrowed
from tutelage.predictor.int8 import OnnxNetwork
from tutelage.predictor.predictor import Predictor
from tutelage.run.birth import born, check_place
from tutelage.run.compact import computed, exportable, exported, lost_between, recalibrated, some_batches, training_rows
from tutelage.run.compose import compose
from tutelage.run.derived import ended, scored, write_derived
from tutelage.run.inherited import settle
from tutelage.run.latency import Timed, batches_of, measure_models
from tutelage.run.run import Run
from tutelage.task.calibration import floor_knows
from tutelage.task.rows import RowsData
from tutelage.training.control import Control
from tutelage.training.course import course
from tutelage.training.jobs import EvaluateJob
from tutelage.training.loop import run_loop

__all__ = ["make_narrower"]

DEFAULT_FRACTION = 0.25
"""Of the run's own steps, for training on."""
FACTOR = 0.3
"""On the learning rate: what remains is near to what it was, and full steps would undo that (docs/LOG.md)."""


def make_narrower(
    run: str | Path, out: str | Path = "", *, share: float = 0.5, epochs: float | None = None, most_loss: float = 0.3
) -> Run:
    """Make a run folder whose model has fewer channels than a run's, trained on by the run's own plan, and return it, opened.

    Args:
        run: A run whose model answers for rows.
        out: The new folder; "" = a new one below runs/.
        share: Of the channels of each layer that can lose some, in (0, 1).
        epochs: Passes over the train rows for training on; None = as many steps as a quarter of the run's own.
        most_loss: Most that may be lost on the validation rows: points of accuracy, or per cent of the RMSE.

    Raises:
        UsageError: A share out of its range, or packages that are not installed.
        RunError: More is lost, nothing can leave, or the network cannot be written as ONNX.
    """
    if not 0 < share < 1:
        raise UsageError(f"--share {share:g}: expected a fraction of the channels between 0 and 1, such as 0.5.")
    began, opened = time.monotonic(), Run.open(run)
    check_place(str(out))
    before, data = exportable(opened), training_rows(opened)
    if isinstance(before.network, OnnxNetwork):
        raise RunError(f"{opened.path}: it was made smaller before; prune the run that it was made of.")
    narrow = _narrowed(opened, before, data, share=share)
    steps = max(1, round(_steps(opened, data, epochs)))
    trained = _trained_on(opened, data, narrow, steps=steps)
    made, told = _measured(opened, before, replace(before, network=trained.cpu().eval()), data, most_loss=most_loss)
    told |= {"share": share, "steps": steps, "num_parameters": {"before": before.num_parameters, "after": made.num_parameters}}
    asked = "" if epochs is None else f" --epochs {epochs:g}"
    command = f"tutelage prune {opened.path} --share {share:g}{asked} --most-loss {most_loss:g}"
    made, calibration = recalibrated(opened, made, data)
    made = replace(made, facts={**before.facts, "pruned": share, "runs": [str(opened.path)]})
    record = {
        **scored(made, opened, {name: part for name, part in data.parts().items() if name != "train"}),
        **ended(opened, command=command, seconds=time.monotonic() - began, stopped="pruned"),
        **calibration,
        "num_parameters": made.num_parameters,
        "pruned": told,
    }

    def fill(folder: Path) -> None:
        write_derived(folder, opened, made, command=command, result=record)

    with born(str(out), name=f"{opened.path.name}-pruned", fill=fill) as folder:
        return Run.open(folder)


def _narrowed(run: Run, before: Predictor, data: RowsData, *, share: float) -> nn.Module:
    """Return the narrower network, not trained on yet."""
    example = tuple(some_batches(before, data.train.rows)[0].values())
    try:
        made = narrowed(before.network, example, share=share)
    except Exception as error:  # a border: whatever torch says of a network that it cannot trace
        raise RunError(f"{run.path}: its network cannot be traced: {str(error).strip()[:300]}") from error
    if not made.layers:
        raise RunError(
            f"{run.path}: no layer of its network hands its channels to one other layer alone, so none can leave. For a smaller "
            f"one: tutelage quantize {run.path}."
        )
    settle(made, before.network, data.train.rows, before.module.finisher, names=tuple(before.shape.tensors))
    return made.network


def _steps(run: Run, data: RowsData, epochs: float | None) -> float:
    """Return how many steps to train on."""
    plan = run.decided
    if epochs is None:
        return DEFAULT_FRACTION * max(plan.total_steps, int(run.result.get("last_step", 0)))
    if not epochs > 0:
        raise UsageError(f"--epochs {epochs:g}: expected more than 0, such as 1.")
    return epochs * len(data.train) / plan.batch_size


def _trained_on(run: Run, data: RowsData, network: nn.Module, *, steps: int) -> nn.Module:
    """Train a network on by the run's plan, and return it with the weights that early stopping found best."""
    began = time.monotonic()
    plan = run.decided.but(
        model=None,
        own_model=type(network).__name__,
        origin=None,
        init=None,
        floor=None,
        mirror="off",
        compile="none",
        device="cpu",
        total_steps=steps,
        time_seconds=0.0,
        corrections=(),
    )
    composed = compose(plan, data, module=network)
    state = composed.state
    for update in state.step.updates.values():
        for group in update.optimizer.param_groups:
            group["initial_lr"] *= FACTOR
    state.control = Control(steps).begun()
    rhythm = course(plan, steps, greater_is_better=bool(catalog.load("metric", plan.watched).greater_is_better))
    evaluate = EvaluateJob(
        Emitter([], started=began), [composed.problem.validation], stopping=rhythm.stopping, every=rhythm.eval_every, step=0
    )
    run_loop(state, jobs=[evaluate], seed=plan.seed)
    if state.control.last_evaluation != state.clock.step:
        evaluate.run(state)
    state.task.load_state_dict(state.best)
    return state.task.network()


def _measured(
    run: Run, before: Predictor, after: Predictor, data: RowsData, *, most_loss: float
) -> tuple[Predictor, dict[str, Any]]:
    """Return the narrower model as ONNX, and what result.json says of it.

    Raises:
        RunError: It loses more than allowed.
    """
    rows = data.validation.rows
    batch, is_ragged = some_batches(before, rows)[0], rows.lengths is not None
    is_known = floor_knows(run.decided, data.train, data.validation)
    lost = lost_between(before, after, data.validation, is_known=is_known)
    if lost.lost > most_loss:
        raise RunError(
            f"{run.path}: the narrower model loses {lost.lost:.2f} {lost.unit} on {len(data.validation):,} validation rows, and "
            f"{most_loss:g} are allowed. Nothing was written. Train on for longer (--epochs), take less away (--share), or allow "
            "more (--most-loss)."
        )
    contents = {name: exported(one, batch, is_ragged=is_ragged) for name, one in (("before", before), ("after", after))}
    made = {name: computed(one, contents[name]) for name, one in (("before", before), ("after", after))}
    return made["after"], {
        **vars(lost),
        "num_rows": len(data.validation),
        "most_loss": most_loss,
        "latency_ms": measure_models({name: [Timed(one, batches_of(one, rows))] for name, one in made.items()}),
        "size_bytes": {name: len(content) for name, content in contents.items()},
    }
