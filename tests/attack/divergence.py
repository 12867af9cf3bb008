"""Numbers from which nothing can be learned, planted into trainings of every kind: each ends well, or says what and where.

`python -m tests.attack divergence` runs all cases, test_divergence.py a few. A case passes where the run ends with finite
weights and a score, and the planted number was told of (or had no effect at all); or where it ends with an error of ours that
says what was found, and where.
"""

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from safetensors.torch import load_file

from tests.attack import case as attack
from tests.attack.small_trainings import RECIPES, images, table
from tests.attack.verdict import Verdict, said_wrong
from tutelage.core.errors import TutelageError
from tutelage.planning.recipe import recipe_from
from tutelage.run.start import Request, start_training
from tutelage.task.base import Task
from tutelage.training.step import Step
from tutelage.training.update import Update

__all__ = ["CASES", "Case", "cases", "run"]

AT = 20
TOLD = {"Refused", "RolledBack"}

Wrapped = Callable[[Step, tuple[str, ...], dict[str, torch.Tensor], float], Any]


@dataclass(frozen=True)
class Case:
    """One planted fault.

    Attributes:
        name: What is planted into what.
        recipe: Builds the recipe in a folder.
        plant: Entered while it is trained.
        has_effect: Whether the fault must be told of; what preprocessing takes care of need not be.
    """

    name: str
    recipe: Callable[[Path], dict[str, Any]]
    plant: Callable[[], Any]
    settings: dict[str, Any] = field(default_factory=dict)
    has_effect: bool = True
    is_clean: bool = False
    """Nothing is planted: nothing may be told."""


# Plants.


@contextmanager
def around_step(change: Callable[[Step, int, dict[str, torch.Tensor]], Any]) -> Iterator[None]:
    """Call something before each step, with its number; what it returns replaces the batch."""
    whole, count = Step.__call__, iter(range(10**9))

    def called(step: Step, beat: Any, batch: Any, progress: float, **options: Any) -> Any:
        changed = change(step, next(count), batch)
        return whole(step, beat, batch if changed is None else changed, progress, **options)

    with mock.patch.object(Step, "__call__", called):
        yield


def bad_batch(value: float, steps: range) -> Callable[[], Any]:
    def change(step: Step, number: int, batch: dict[str, torch.Tensor]) -> Any:
        if number not in steps:
            return None
        changed = {name: tensor.clone() for name, tensor in batch.items()}
        floats = [name for name, tensor in changed.items() if tensor.is_floating_point()]
        for name in floats[:1]:
            changed[name][0] = value
        return changed if floats else None

    return lambda: around_step(change)


def bad_weights(value: float, at: int = AT) -> Callable[[], Any]:
    @torch.no_grad()
    def change(step: Step, number: int, batch: Any) -> None:
        if number == at:
            parameter = next(iter(step.task.parameters()))
            parameter.view(-1)[0] = value

    return lambda: around_step(change)


def bad_moments(at: int = AT) -> Callable[[], Any]:
    @torch.no_grad()
    def change(step: Step, number: int, batch: Any) -> None:
        if number == at:
            for update in step.updates.values():
                for tensor in update.state_tensors()[-1:]:
                    tensor.fill_(torch.nan)

    return lambda: around_step(change)


def bad_buffer(at: int = AT) -> Callable[[], Any]:
    @torch.no_grad()
    def change(step: Step, number: int, batch: Any) -> None:
        if number == at:
            for buffer in step.checked_buffers[:1]:
                buffer.fill_(torch.nan)

    return lambda: around_step(change)


def bad_gradient(value: float, steps: range) -> Callable[[], Any]:
    """Put a value into the gradient of the last weights, whatever the loss."""

    def plant() -> Any:
        whole, count = Update.check, iter(range(10**9))

        def check(update: Update, *args: Any, **more: Any) -> None:
            if next(count) in steps:
                update.gradients[-1].view(-1)[0] = value
            whole(update, *args, **more)

        return mock.patch.object(Update, "check", check)

    return plant


def big_loss(factor: float, steps: range) -> Callable[[], Any]:
    """Multiply the loss of some steps; each step of one phase asks for it once."""

    @contextmanager
    def plant() -> Iterator[None]:
        patches = []
        for name, multiplied in (("objective", _multiplied), ("with_gradients", _multiplied_with_gradients)):
            kinds = [kind for kind in _below(Task) if name in vars(kind)]
            patches += [mock.patch.object(kind, name, multiplied(kind, factor, steps)) for kind in kinds]
        with suppress_all(patches):
            yield

    return plant


def _below(kind: type) -> list[type]:
    from tutelage.task import generate, language, ppo, sac, supervised  # noqa: F401 - their tasks have to be known

    return [each for child in kind.__subclasses__() for each in (child, *_below(child))]


def _multiplied(kind: Any, factor: float, steps: range) -> Any:
    whole, count = kind.objective, iter(range(10**9))

    def objective(task: Any, phase: str, batch: Any) -> Any:
        found = whole(task, phase, batch)
        return found._replace(total=found.total * factor) if next(count) in steps else found

    return objective


def _multiplied_with_gradients(kind: Any, factor: float, steps: range) -> Any:
    """The same of tasks that know their gradients, which are those of the multiplied loss too."""
    whole, count = kind.with_gradients, iter(range(10**9))

    def with_gradients(task: Any, phase: str) -> Any:
        known = whole(task, phase)

        def called(batch: Any) -> Any:
            found, gradients = known(batch)
            if next(count) not in steps:
                return found, gradients
            gradients.flat.mul_(factor)
            return found._replace(total=found.total * factor), gradients

        return None if known is None else called

    return with_gradients


@contextmanager
def suppress_all(patches: list[Any]) -> Iterator[None]:
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()


@contextmanager
def nothing() -> Iterator[None]:
    yield


PLANTS: dict[str, Callable[[], Any]] = {
    "a NaN in one batch": bad_batch(math.nan, range(AT, AT + 1)),
    "an inf in the first batch": bad_batch(math.inf, range(1)),
    "1e38 in three batches": bad_batch(1e38, range(AT, AT + 3)),
    "a NaN in every batch from some step on": bad_batch(math.nan, range(AT, 10**6)),
    "NaN weights": bad_weights(math.nan),
    "a weight of 1e30": bad_weights(1e30),
    "an inf weight before the first step": bad_weights(math.inf, at=0),
    "NaN moments": bad_moments(),
    "a NaN gradient": bad_gradient(math.nan, range(AT, AT + 1)),
    "inf gradients from the start": bad_gradient(math.inf, range(10**6)),
    "a loss that overflows once": big_loss(1e38, range(AT, AT + 2)),
    "a loss that is always NaN": big_loss(math.nan, range(10**9)),
}


def _cases() -> Iterator[Case]:
    # Texts have no numbers; an observation's scale bounds what is infinite (what an environment gives is looked at before).
    harmless = {
        ("text", "NaN in one"),
        ("text", "inf in the"),
        ("text", "1e38"),
        ("text", "NaN in every"),
        ("agent", "inf in the"),
        ("remembering agent", "inf in the"),
    }
    for where, recipe in RECIPES.items():
        for what, plant in PLANTS.items():
            has_effect = not any(where == name and part in what for name, part in harmless)
            # Whether weights that are finite do any harm is the network's affair.
            yield Case(f"{where}: {what}", recipe, plant, has_effect=has_effect and "1e" not in what and "1e30" not in what)
        yield Case(f"{where}: learning rate x 1e3", recipe, nothing, {"rate": 1e3}, has_effect=False)
        yield Case(f"{where}: learning rate x 1e30", recipe, nothing, {"rate": 1e30}, has_effect=False)
    for optim in ("sgd", "muon", "nadam", "radam", "rmsprop", "adagrad", "adamax"):
        yield Case(f"table, {optim}: NaN weights", table, PLANTS["NaN weights"], {"optim": optim})
        yield Case(f"images, {optim}: a NaN in one batch", images, PLANTS["a NaN in one batch"], {"optim": optim})
    for name, more in {
        "bf16": {"precision": "bfloat16"},
        "three micro-batches": {"num_micro": 3},
        "average": {"ema": 0.9},
        "no clipping": {"clip": 0.0},
    }.items():
        for what in ("a NaN in one batch", "NaN weights", "a NaN gradient"):
            yield Case(f"images, {name}: {what}", images, PLANTS[what], more)
    for model in ("resnet", "mlp"):
        for what in ("a NaN in one batch", "1e38 in three batches"):
            has_effect = "NaN" in what
            yield Case(f"images, {model}: {what}", images, PLANTS[what], {"model": model}, has_effect=has_effect)
    yield Case("images, resnet: NaN running statistics", images, bad_buffer(), {"model": "resnet"})
    for spoil in ("nan", "inf", "-inf", "1e300", "1e39", "-1e308", "1e-320"):
        for target in ("label", "number"):
            yield Case(
                f"table with {spoil}, {target}",
                lambda folder, spoil=spoil, target=target: table(folder, spoil=spoil, target=target),  # type: ignore[misc]
                nothing,
                has_effect=False,
            )


def _clean() -> Iterator[Case]:
    """Trainings in order, of every kind and with every optimizer."""
    for where, recipe in RECIPES.items():
        for seed in (1, 2):
            yield Case(f"clean: {where}, seed {seed}", recipe, nothing, {"seed": seed}, has_effect=False, is_clean=True)
    for optim in ("adagrad", "adam", "adamax", "adamw", "muon", "nadam", "radam", "rmsprop", "sgd"):
        for where in ("table", "numbers", "images"):
            more = {"optim": optim}
            yield Case(f"clean: {where}, {optim}", RECIPES[where], nothing, more, has_effect=False, is_clean=True)
    for where in ("points", "text", "agent"):
        for optim in ("adam", "rmsprop"):
            yield Case(f"clean: {where}, {optim}", RECIPES[where], nothing, {"optim": optim}, has_effect=False, is_clean=True)
    for name, more in {"bf16": {"precision": "bfloat16"}, "average": {"ema": 0.99}, "micro": {"num_micro": 4}}.items():
        for where in ("images", "numbers"):
            yield Case(f"clean: {where}, {name}", RECIPES[where], nothing, dict(more), has_effect=False, is_clean=True)


CASES = (*_cases(), *_clean())


def run(case: Case, folder: Path) -> str:
    """Run a case and return "" where it passes, else what is wrong."""
    wishes = case.recipe(folder) | {key: value for key, value in case.settings.items() if key != "rate"}
    out = folder / "run"
    try:
        if "rate" in case.settings:
            wishes |= {"optim": {"kind": "adamw", "lr": 1e-3 * case.settings["rate"]}}
        with case.plant():
            start_training(Request(recipe_from(wishes, where="attack"), out=str(out)))
    except TutelageError as error:
        return "" if _says_enough(str(error)) else f"an error that says too little: {error}"
    except Exception as error:  # the judge's border: this is what must not be
        return f"a traceback: {type(error).__name__}: {error}"
    return _judged(case, out)


def _says_enough(message: str) -> bool:
    """Tell whether an error names the fault and a place or a remedy."""
    words = ("diverged", "not finite", "no number", "finite", "number")
    return any(word in message for word in words) and ("try" in message or "row" in message or "step" in message)


def _judged(case: Case, out: Path) -> str:
    """Say what is wrong with a run that has ended."""
    result = json.loads((out / "result.json").read_text())
    events = [json.loads(line)["event"] for line in (out / "events.jsonl").read_text().splitlines()]
    for name in ("best", "last"):
        tensors = load_file(out / name / "predictor.safetensors")
        bad = [key for key, tensor in tensors.items() if tensor.is_floating_point() and not tensor.isfinite().all()]
        if bad:
            return f"{name}/predictor holds numbers that are not finite: {bad[:3]}"
    scores = [value for key, value in result["metrics"].items()]
    if not scores or all(value is None for value in scores):
        return f"no score: {result['metrics']}"
    if case.has_effect and not TOLD & set(events):
        return "nothing was told"
    if case.is_clean and TOLD & set(events):
        return "a false alarm"
    with suppress(FileNotFoundError):
        for path in (out / "steps").glob("*.safetensors"):
            bad = [key for key, value in load_file(path).items() if key.startswith("task/") and value.isnan().any()]
            if bad:
                return f"a checkpoint holds NaN: {bad[:3]}"
    return ""


def cases(scratch: Path, *, is_sample: bool) -> Iterator[attack.Case]:
    """Give every planted fault."""
    for case in CASES[::25] if is_sample else CASES:
        yield attack.Case(case.name, partial(_tried, case))


def _tried(case: Case, folder: Path) -> Verdict:
    """Run a case."""
    return said_wrong(run(case, folder))
