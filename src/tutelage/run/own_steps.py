"""Small trainings of ours, measured whole: what they take beyond their operators calibrates the forecast of others.

Made-up data, no run folder, nothing kept; those whose extra is not installed are left out.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from tutelage.core.errors import TutelageError
from tutelage.hardware.measured import MachineFile, OwnStep
from tutelage.planning.facts import Machine
from tutelage.planning.recipe import recipe_from
from tutelage.run.compose import Composed, compose
from tutelage.run.start import Request, plan_training
from tutelage.run.step_time import StepModel
from tutelage.run.work import count_training_step
from tutelage.training.machine import machine_facts

__all__ = ["SAMPLES", "Sample", "measure_own_steps", "seconds_of_step"]

WARM_UP, LEAST, MOST = 3, 6, 400
SECONDS = 0.5
"""Time for each training's steps."""
PLANNED = 1000

Clock = Callable[[], float]


@dataclass(frozen=True)
class Sample:
    """One training.

    Attributes:
        name: For people.
        wishes: Its recipe.
        data: Makes its rows; nothing where the recipe names its source.
    """

    name: str
    wishes: Mapping[str, Any]
    data: Callable[[np.random.Generator], Any] = field(default=lambda _: None)


def _table(rows: int, columns: int) -> Callable[[np.random.Generator], Any]:
    return lambda random: (random.standard_normal((rows, columns)).astype(np.float32), random.integers(0, 5, rows))


def _images(rows: int, width: int) -> Callable[[np.random.Generator], Any]:
    return lambda random: (random.integers(0, 256, (rows, width, width)).astype(np.uint8), random.integers(0, 10, rows))


def _series(rows: int, steps: int) -> Callable[[np.random.Generator], Any]:
    return lambda random: (random.standard_normal((rows, 3, steps)).astype(np.float32), random.integers(0, 4, rows))


def _texts(rows: int, words: int) -> Callable[[np.random.Generator], Any]:
    def make(random: np.random.Generator) -> Any:
        known = [f"word{number}" for number in range(2000)]
        texts = [" ".join(known[place] for place in random.integers(0, len(known), words)) for _ in range(rows)]
        return texts, random.integers(0, 2, rows)

    return make


SAMPLES = (
    Sample("a table, 64 rows", {"batch_size": 64, "precision": "float32"}, _table(2000, 12)),
    Sample("a table, 512 rows, bfloat16", {"batch_size": 512, "precision": "bfloat16"}, _table(3000, 30)),
    Sample("images, 64 rows", {"batch_size": 64, "precision": "float32"}, _images(600, 20)),
    Sample("images, 32 rows, bfloat16", {"batch_size": 32, "precision": "bfloat16"}, _images(600, 28)),
    Sample("series, 32 rows", {"batch_size": 32}, _series(300, 80)),
    Sample("texts, 32 rows", {"batch_size": 32, "model": "text_encoder"}, _texts(400, 60)),
    Sample("points, 64 rows", {"source": "gaussians:8", "batch_size": 64}),
    Sample("points, 512 rows", {"source": "gaussians:8", "batch_size": 512}),
    Sample("CartPole by PPO", {"source": "gym:CartPole-v1", "task": "ppo"}),
    Sample("CartPole by PPO, 1,024 rows", {"source": "gym:CartPole-v1", "task": "ppo", "batch_size": 1024}),
    Sample("CartPole by DQN", {"source": "gym:CartPole-v1", "task": "dqn"}),
    Sample("CartPole by DQN, 512 rows", {"source": "gym:CartPole-v1", "task": "dqn", "batch_size": 512}),
    Sample("Pendulum by SAC", {"source": "gym:Pendulum-v1", "task": "sac"}),
    Sample("Pendulum by SAC, 64 rows", {"source": "gym:Pendulum-v1", "task": "sac", "batch_size": 64}),
)


def measure_own_steps(
    machine: MachineFile,
    *,
    tell: Callable[[float], None] = lambda _: None,
    clock: Clock = time.perf_counter,
    samples: Sequence[Sample] = SAMPLES,
) -> tuple[OwnStep, ...]:
    """Train each sample for a moment and return what a step of it took and consists of.

    Args:
        machine: What was measured of the machine's operators.
        tell: Takes the fraction that is done.
        clock: Tells seconds.
        samples: The trainings.
    """
    facts, model = machine_facts(machine.fingerprint["device"]), StepModel(machine)
    found: list[OwnStep] = []
    for number, sample in enumerate(samples, start=1):
        found += _measured(sample, facts, model, clock)
        tell(number / len(samples))
    return tuple(found)


def _measured(sample: Sample, facts: Machine, model: StepModel, clock: Clock) -> Iterator[OwnStep]:
    """Yield what one training says; nothing where it cannot be made here."""
    wishes = {"budget": {"steps": PLANNED}, "compile": "none", "device": facts.device, **sample.wishes}
    random = np.random.default_rng(0)
    try:
        request = Request(recipe_from(wishes, where="machine"), data=sample.data(random), machine=facts)
        plan, gathered, _ = plan_training(request)
        composed = compose(plan, gathered.data)
    except TutelageError:
        return
    with closing(composed.problem):
        composed.state.task.train()
        counted = count_training_step(composed.state, composed.state.stream.next())
        style, features = model.features(composed, counted)
        yield OwnStep(name=sample.name, style=style, features=features, seconds=seconds_of_step(composed, clock=clock))


def seconds_of_step(
    composed: Composed, *, seconds: float = SECONDS, clock: Clock = time.perf_counter, has_data: bool = False
) -> float:
    """Return what a step takes.

    Args:
        composed: The training; it goes on.
        seconds: How long to look.
        clock: Tells seconds.
        has_data: Whether making the batch counts too; where an agent acts for it, it always does.

    Returns:
        The median; where an agent acts the mean, since few steps carry the time of all.
    """
    state, generator = composed.state, torch.Generator()
    found: list[float] = []
    is_acting = hasattr(state.stream, "environment")
    state.task.begin(PLANNED)
    end = time.perf_counter() + seconds
    while len(found) < WARM_UP + LEAST or (time.perf_counter() < end and len(found) < MOST):
        before = clock()
        batch = state.stream.next()
        if state.task.draws:
            batch = state.task.draw(batch, generator)
        made = clock()
        report = state.step(state.task.usual_beat(len(found)), batch, 0.0)
        state.stream.observe(report)
        _wait(state.step.options.device)
        found.append(clock() - (before if is_acting or has_data else made))
    kept = found[WARM_UP:]
    return float(np.mean(kept)) if is_acting else float(np.median(kept))


def _wait(device: str) -> None:
    """Wait until a device has done what it was asked for."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize()
