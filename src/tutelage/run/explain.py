"""One row of a run's data through preprocessing, forward pass, loss, backpropagation and the optimizer's update.

Everything is done by the run's own objects: data, network and optimizer are built by its plan as for a resume, the update is
the training's own step. The run folder is only read.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from tutelage.core import layout
from tutelage.core.errors import BRING_BACK, RunError, UsageError
from tutelage.data.part.base import Part
from tutelage.planning.plan import Plan
from tutelage.predictor.int8 import OnnxNetwork
from tutelage.predictor.predictor import Predictor
from tutelage.run import stages_before, stages_step
from tutelage.run.collect import collect, refuse_bad
from tutelage.run.compose import Composed, compose
from tutelage.run.followed_row import FollowedRow, Moment
from tutelage.run.forecast import forecaster, read_series
from tutelage.run.inputs import Inputs
from tutelage.run.lesson import Explanation, Stage
from tutelage.run.run import Run
from tutelage.run.start import gone_sources
from tutelage.task.base import Data
from tutelage.training.checkpoint import newest_checkpoint
from tutelage.training.followed import follow_step

__all__ = ["Asked", "explain_row", "follow_row"]

STAGES: tuple[Callable[[FollowedRow], Stage], ...] = (
    stages_before.data,
    stages_before.preprocessing,
    stages_before.architecture,
    stages_before.initialization,
    stages_step.forward,
    stages_step.loss,
    stages_step.backpropagation,
    stages_step.optimizer,
    stages_step.epochs,
)
"""In the order of a training."""
FINE = 1_000
"""Places at which the schedule is asked for its height."""


@dataclass(frozen=True)
class Asked:
    """What is to be explained.

    Attributes:
        row: Number of the row, from 1.
        part: `train`, `validation` or `test`.
        file: Another file to take the row from; "" for the run's own data.
        at: With the weights that leave (`end`), or those before the first step (`start`).
        data: The data, where the run was given them from Python: as `tutelage.train` got them.
        test: The same for the test part.
        groups: The same for the groups of rows.
        times: The same for the times of rows.
    """

    row: int = 1
    part: str = "train"
    file: str = ""
    at: Literal["start", "end"] = "end"
    data: Any = None
    test: Any = None
    groups: Any = None
    times: Any = None

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            UsageError: No number of a row, or no such time.
        """
        if type(self.row) is not int or self.row < 1:
            raise UsageError(f"row {self.row}: expected a whole number from 1 on; rows are counted from 1.")
        if self.at not in ("start", "end"):
            raise UsageError(f"at {self.at!r}: expected 'start' or 'end'.")


def explain_row(run: Run, asked: Asked) -> Explanation:
    """Follow one row through a training.

    Args:
        run: The run.
        asked: Which row, and when.

    Raises:
        UsageError: There is no such row or part.
        RunError: The run's data are not at hand, it has no weights yet, or nothing in it is a row that goes through one update.
        DataError: The file's row cannot be read, or has no label.
    """
    # Data, network and checkpoint seed the default generators, which are the caller's.
    with _kept_generators():
        row = follow_row(run, asked)
        stages = tuple(stage(row) for stage in STAGES)
    return Explanation(str(run.path), asked.file or asked.part, asked.row, row.example.where, stages, row.called)


def _trainable(run: Run) -> Predictor:
    """Return the run's model.

    Raises:
        RunError: It computes in int8, and does not train.
    """
    if isinstance(run.predictor.network, OnnxNetwork):
        found = f"{run.path}: a model in int8 does not train, so there is no step to follow"
        raise RunError(f"{found}. Ask the run that it was made of: {', '.join(run.predictor.facts.get('runs', ()))}.")
    return run.predictor


def follow_row(run: Run, asked: Asked) -> FollowedRow:
    """Build the training anew, seeding the default generators, and make the step; errors as in `explain_row`."""
    if asked.part == "test" and not asked.file and not run.result:
        raise RunError(f"{run.path}: its test part was not opened yet. Finish the run: tutelage resume {run.path}.")
    # On the processor, uncompiled: one row needs no more, and hooks see every layer.
    plan = run.decided.but(device="cpu", compile="none", num_micro=1)
    if plan.floor is not None and plan.floor.needs_lens:
        # Followed is the network; the floor's answers are those of the predictor, which holds what it looks through.
        plan = plan.but(floor=None)
    data = _data(run, asked)
    module = None if run.module is None else deepcopy(run.module).cpu()
    if plan.own_model and module is None:
        run.predictor  # noqa: B018 - says that the module is missing
    composed = compose(plan, data, module=module, is_resumed=asked.at == "end")
    with closing(composed.problem):
        task, problem = composed.state.task, composed.problem
        followable = _require_followable(run, composed)
        example = followable(_rows(run, asked), asked.row - 1)
        prefix = task.phases[task.usual_beat(0)[0]].owns[0]
        network = task.get_submodule(prefix.rstrip("."))
        start = {name: parameter.detach().clone() for name, parameter in task.named_parameters()}
        predictor = _trainable(run) if asked.at == "end" else None
        moment = _restored(run, composed, plan) if asked.at == "end" else _beginning(plan)
        if predictor is not None:
            _fill(network, predictor, run)
        step, batch = composed.state.step, dict(example.batch)
        followed = follow_step(task, step, batch, network=network, progress=moment.progress, rate=moment.rate)
        is_high = plan.schedule.factor(moment.progress) * moment.rate >= plan.schedule.factor(moment.height)
        at_height = None if is_high else follow_step(task, step, batch, network=network, progress=moment.height)
        alone = None
        if any(followed.moments_before.values()):
            alone = follow_step(task, step, batch, network=network, progress=moment.progress, rate=moment.rate, is_fresh=True)
        return FollowedRow(
            folder=run.path,
            part=asked.file or f"the {asked.part} part",
            number=asked.row,
            plan=plan,
            problem=problem,
            example=example,
            network=network,
            prefix=prefix,
            start=start,
            moment=moment,
            followed=followed,
            alone=alone,
            at_height=at_height,
            predictor=predictor,
        )


def _require_followable(run: Run, composed: Composed) -> Callable[..., Any]:
    """Return what makes an example of a row.

    Raises:
        RunError: No row leads to one update, or what leads to one is no row.
    """
    spec, task, example = run.decided.task, composed.state.task, composed.problem.example
    report = f"report: tutelage report {run.path}."
    if example is None or len(task.rhythm) != 1 or len(task.usual_beat(0)) != 1:
        raise RunError(
            f"{run.path}: in a training of task {getattr(spec, 'kind', '')!r} no single row leads to one update, so there is "
            f"nothing to follow. What it has learned is in its {report}"
        )
    return example


def _data(run: Run, asked: Asked) -> Data:
    """Read the run's data again.

    Raises:
        RunError: They are not at hand, or have changed.
    """
    recipe = run.files.recipe()
    if not recipe.source and asked.data is None:
        module = f", model={run.decided.own_model}()" if run.decided.own_model else ""
        raise RunError(
            f"{run.path}: this run was trained on data given from Python, which it does not keep. Give them again, as they were: "
            f"tutelage.explain({str(run.path)!r}, row={asked.row}, data=(X, y){module})."
        )
    gone = gone_sources(recipe) if asked.data is None else []
    if gone:
        raise RunError(f"{run.path}: the data is no longer at {' and '.join(gone)}. Bring it back to that path.")
    return run.data(asked.data, test=asked.test, groups=asked.groups, times=asked.times)


def _rows(run: Run, asked: Asked) -> str | Part:
    """Return the name of the part, or the rows of the file."""
    if not asked.file:
        return asked.part
    if run.decided.task.continues_series:
        given = read_series(asked.file, forecaster(run.path, run.predictor), training=lambda: collect(run.files.recipe()))
        refuse_bad(given.problems, "fail")
        return given.part
    target = str(run.files.record(layout.DATA).get("target", ""))
    part, problems = Inputs(run.predictor.fitted, lambda: target, lambda: run.files.recipe().source).read(
        [asked.file], target="auto"
    )
    refuse_bad(problems, "fail")
    return part


def _fill(network: nn.Module, predictor: Predictor, run: Run) -> None:
    """Put the weights that leave into the training's network.

    Raises:
        RunError: The plan says another network.
    """
    try:
        network.load_state_dict(predictor.network.state_dict())
    except RuntimeError as error:
        # A border: torch's words name each tensor that does not fit, one a line.
        found = f"says another network than that of the trained weights ({str(error).splitlines()[-1].strip()[:200]})"
        raise RunError(f"{run.path / layout.PLAN}: {found}. {BRING_BACK}") from error


def _restored(run: Run, composed: Composed, plan: Plan) -> Moment:
    """Put back the newest checkpoint, for the optimizer's memory, and say when the weights that leave are from."""
    state, step = composed.state, int(run.predictor.facts.get("step", 0))
    try:
        snapshot, _ = newest_checkpoint(run.path)
        state.restore(snapshot)
        # Weights and what the batches left in the loss are replaced by those that leave; the optimizer's memory stays.
        kept = f"as the newest checkpoint has it, of step {state.clock.step:,}"
        memory = kept if state.clock.step == step else f"{kept}; the weights are of step {step:,}"
    except RunError as error:
        for update in state.step.updates.values():
            update.begin_anew()
        memory = f"begun anew, since no checkpoint can be read ({error})"
    total, before = max(state.control.total_steps, step, 1), max(step - 1, 0)
    epochs = step * plan.batch_size / plan.num_train if plan.num_train else 0.0
    return Moment(
        step=step,
        total_steps=total,
        epochs=epochs,
        progress=before / total,
        rate=state.control.rate(before),
        height=_height(plan),
        moments=memory,
        is_start=False,
    )


def _beginning(plan: Plan) -> Moment:
    """Return the moment before the first step."""
    return Moment(
        step=0,
        total_steps=plan.total_steps,
        epochs=0.0,
        progress=0.0,
        rate=1.0,
        height=_height(plan),
        moments="empty: this is the first step",
        is_start=True,
    )


def _height(plan: Plan) -> float:
    """Return the progress at which the learning rate is highest."""
    return max((place / FINE for place in range(FINE)), key=plan.schedule.factor)


@contextmanager
def _kept_generators() -> Iterator[None]:
    """Leave the default generators of torch, NumPy and `random` as they were."""
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
