"""From wishes and facts to a plan: pure, every value with its reason."""

import math
from typing import Any, Literal

from tutelage.core import catalog
from tutelage.core.amount import parse_seconds, say_seconds
from tutelage.core.errors import RecipeError
from tutelage.core.schema import ImageShape
from tutelage.core.spec import Component, grant
from tutelage.data.augment.none import NoAugment
from tutelage.loss.binary_cross_entropy import BinaryCrossEntropy
from tutelage.loss.cross_entropy import CrossEntropy
from tutelage.loss.mse import SquaredError
from tutelage.task.classify import Classify
from tutelage.task.regress import Regress
from tutelage.plan.facts import Facts
from tutelage.plan.plan import Decision, Plan
from tutelage.plan.recipe import Recipe
from tutelage.training.suggest import Suggestion, suggest

__all__ = ["resolve"]

BF16_PAYS = 1.3
"""Measured speed of bfloat16 products over float32 from which on it is used."""


class _Decisions:
    """Collects values with their reasons."""

    def __init__(self, why: dict[str, str]) -> None:
        self.made: list[Decision] = []
        self._why = why

    def choose(self, key: str, wish: object, value: Any, reason: str = "") -> Any:
        """Note what a key became and why: as wished, or auto's reason."""
        said = self._why.get(key, reason) if wish == "auto" else "as you asked"
        self.made.append(Decision(key=key, value=say(value), reason=said))
        return value


def resolve(recipe: Recipe, facts: Facts, *, own_model: str = "") -> Plan:
    """Decide everything.

    Args:
        recipe: What the user wants.
        facts: What is known about the data and the machine.
        own_model: Class name of a module passed from Python.

    Raises:
        RecipeError: A wish that does not fit the data.
    """
    auto = suggest(facts)
    made = _Decisions(auto.why)
    parts = _decide_parts(recipe, facts, auto, made, own_model=own_model)
    batch_size = _decide_batch_size(recipe, facts, auto, made)
    total_steps, time_seconds = _decide_budget(recipe, facts, auto, batch_size, made)
    metrics = metrics_for(facts)
    watched, patience = _decide_stopping(recipe, facts, auto, made)
    return Plan(
        **parts,
        source=recipe.source,
        modality=facts.modality,
        own_model=own_model,
        clip=_decide_clip(recipe, auto, made),
        batch_size=batch_size,
        num_micro=recipe.num_micro,
        class_weights=_decide_class_weights(recipe, facts, made),
        metrics=metrics,
        watched=watched,
        patience=patience,
        min_delta=recipe.stopping.min_delta,
        total_steps=total_steps,
        useful_steps=-(-int(auto.useful_epochs * facts.num_train) // batch_size),
        time_seconds=time_seconds,
        corrections=recipe.budget.corrections,
        save_seconds=recipe.save.every_seconds,
        num_train=facts.num_train,
        num_validation=facts.num_validation,
        num_test=facts.num_test,
        seed=recipe.seed,
        **_decide_machine(recipe, facts, auto, made),
        decisions=tuple(made.made),
    )


def _decide_parts(recipe: Recipe, facts: Facts, auto: Suggestion, made: _Decisions, *, own_model: str) -> dict[str, Any]:
    """Choose the components."""
    model = None if own_model else made.choose("model", recipe.model, grant(recipe.model, auto.model))
    if own_model:
        made.choose("model", own_model, own_model)
    init = made.choose("init", recipe.init, None if recipe.init == "auto" else recipe.init, "the architecture's own")
    if isinstance(init, dict):
        raise RecipeError(f"recipe: init = {init} names no kind. Known: {', '.join(catalog.names('init'))}.")
    return {
        "task": _decide_task(recipe, facts, auto, made),
        "model": model,
        "init": init,
        "augment": _decide_augment(recipe, facts, auto, made),
        "optim": made.choose("optim", recipe.optim, grant(recipe.optim, auto.optim)),
        "schedule": made.choose("schedule", recipe.schedule, grant(recipe.schedule, auto.schedule)),
    }


def _decide_augment(recipe: Recipe, facts: Facts, auto: Suggestion, made: _Decisions) -> Component:
    """Choose the augmentation; all there are change images."""
    chosen = grant(recipe.augment, auto.augment)
    if not isinstance(chosen, NoAugment) and not isinstance(facts.shape, ImageShape):
        raise RecipeError(f"recipe: augment = {say(chosen)} changes images, and these are not. Here: none.")
    augment: Component = made.choose("augment", recipe.augment, chosen)
    return augment


def _decide_clip(recipe: Recipe, auto: Suggestion, made: _Decisions) -> float:
    """Choose the largest norm of the gradients."""
    limit = auto.clip if recipe.clip == "auto" else float(recipe.clip)
    if not 0 <= limit < math.inf:
        raise RecipeError(f"recipe: clip = {limit:g} must be >= 0; 0 does not clip. Typical: 0.5 to 5.")
    clip: float = made.choose("clip", recipe.clip, limit)
    return clip


def _decide_machine(recipe: Recipe, facts: Facts, auto: Suggestion, made: _Decisions) -> dict[str, Any]:
    """Choose how and where to compute."""
    machine = facts.machine
    return {
        "precision": _decide_precision(recipe, facts, auto, made),
        "compile": made.choose("compile", recipe.compile, "none" if recipe.compile == "auto" else recipe.compile, COMPILE_REASON),
        "device": made.choose("device", recipe.device, machine.device, f"{machine.name}, {machine.num_threads} threads"),
    }


COMPILE_REASON = "eager kernels are as fast for such sizes, and compiling costs up to a minute"


def metrics_for(facts: Facts) -> tuple[str, ...]:
    """Return the metrics that are measured for a task."""
    if facts.task == "regress":
        return ("rmse", "mae", "r2")
    return ("accuracy", "loss", "auroc") if len(facts.class_counts) == 2 else ("accuracy", "loss")


def say(value: object) -> str:
    """Write a value for people: a component as its kind and its settings."""
    if isinstance(value, Component):
        settings = ", ".join(f"{key} {say(item)}" for key, item in value if key != "kind")
        return f"{getattr(value, 'kind', type(value).__name__)} ({settings})" if settings else str(getattr(value, "kind", ""))
    if value is None:
        return "own"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return "[" + ", ".join(say(item) for item in value) + "]"
    return str(value)


def _decide_task(recipe: Recipe, facts: Facts, auto: Suggestion, made: _Decisions) -> Component:
    """Choose task, loss and weight average."""
    wished = recipe.task
    if wished != "auto" and not (isinstance(wished, Component) and wished == type(wished)()):
        raise RecipeError(
            f"recipe: task = {wished!r}: only its kind is taken. Its loss and ema have keys of their own, "
            "such as --set loss=huber --set ema=0.99."
        )
    loss: Component
    if facts.task == "regress":
        loss = made.choose("loss", recipe.loss, grant(recipe.loss, SquaredError()), "the usual loss for numbers")
    elif (
        len(facts.class_counts) == 2
        and not auto.label_smoothing
        and not isinstance(recipe.loss, dict)
        # An own module may return one output or two, and cross-entropy takes either as what softmax or sigmoid then answer.
        and not facts.is_own_model
    ):
        loss = made.choose(
            "loss", recipe.loss, grant(recipe.loss, BinaryCrossEntropy()), "two classes: one output with a sigmoid"
        )
    else:
        loss = made.choose(
            "loss",
            recipe.loss,
            grant(recipe.loss, CrossEntropy(label_smoothing=auto.label_smoothing)),
            "the usual loss for classes",
        )
    fits = getattr(loss, "task", facts.task)
    if fits != facts.task:
        raise RecipeError(f"recipe: loss = {say(loss)} is for task {fits}, and this is {facts.task}.")
    ema = auto.ema if recipe.ema == "auto" else float(recipe.ema)
    if not 0 <= ema < 1:
        raise RecipeError(f"recipe: ema = {ema:g} must be in [0, 1); 0 keeps no average. Typical: 0.99 to 0.9999.")
    made.choose("ema", recipe.ema, ema)
    return Classify(loss=loss, ema=ema) if facts.task == "classify" else Regress(loss=loss, ema=ema)


def _decide_batch_size(recipe: Recipe, facts: Facts, auto: Suggestion, made: _Decisions) -> int:
    """Choose the batch size; never more than the rows there are."""
    wished = auto.batch_size if recipe.batch_size == "auto" else recipe.batch_size
    if wished <= 0:
        raise RecipeError(f"recipe: batch_size = {wished} must be > 0. Typical: 16 to 512.")
    size = min(wished, facts.num_train)
    reason = f"all {facts.num_train} train rows" if size < wished else f"for {facts.num_train:,} train rows"
    batch_size: int = made.choose("batch_size", recipe.batch_size, size, reason)
    return batch_size


def _decide_budget(recipe: Recipe, facts: Facts, auto: Suggestion, batch_size: int, made: _Decisions) -> tuple[int, float]:
    """Return steps and seconds; one of them is 0."""
    budget = recipe.budget
    if budget.time != "auto":
        seconds = parse_seconds(str(budget.time))
        made.choose("budget", seconds, say_seconds(seconds))
        return 0, seconds
    if budget.steps != "auto":
        made.choose("budget", budget.steps, f"{budget.steps:,} steps")
        return budget.steps, 0.0
    epochs = auto.epochs if budget.epochs == "auto" else budget.epochs
    steps = max(1, -(-int(epochs * facts.num_train) // batch_size))
    made.choose("budget", budget.epochs, f"{epochs:g} epochs, {steps:,} steps", auto.why.get("epochs", ""))
    return steps, 0.0


def _decide_stopping(recipe: Recipe, facts: Facts, auto: Suggestion, made: _Decisions) -> tuple[str, float]:
    """Choose what early stopping watches, and its patience."""
    wish = recipe.stopping
    watched = made.choose(
        "stopping.metric", wish.metric, auto.watched if wish.metric == "auto" else wish.metric.removeprefix("val/")
    )
    known = tuple(kind for kind in catalog.names("metric") if catalog.load("metric", kind).task == facts.task)
    if watched not in known:
        near = catalog.suggest(watched, known)
        raise RecipeError(f"recipe: stopping.metric = {watched!r} is not for {facts.task}{near} Known: {', '.join(known)}.")
    share = auto.patience if wish.patience == "auto" else float(wish.patience)
    if not 0 < share <= 1:
        raise RecipeError(f"recipe: stopping.patience = {share} must be in (0, 1], a share of the budget. Typical: 0.2 to 0.5.")
    return watched, made.choose("stopping.patience", wish.patience, share, "share of the budget without a better score")


def _decide_precision(recipe: Recipe, facts: Facts, auto: Suggestion, made: _Decisions) -> Literal["float32", "bfloat16"]:
    """Choose bfloat16 where the hardware has it and it was measured to pay."""
    machine = facts.machine
    if recipe.precision != "auto":
        value = recipe.precision
        made.choose("precision", value, value)
        return value
    if not auto.bf16:
        reason = "products are too small a part of such a step for bfloat16 to pay"
    elif machine.bf16 and (machine.device != "cpu" or machine.speedup >= BF16_PAYS):
        measured = f", measured {machine.speedup:.1f}x as fast" if machine.speedup else ""
        made.choose("precision", "auto", "bfloat16", f"this machine has it ({machine.bf16}{measured})")
        return "bfloat16"
    else:
        reason = "this machine has no fast bfloat16"
    made.choose("precision", "auto", "float32", reason)
    return "float32"


def _decide_class_weights(recipe: Recipe, facts: Facts, made: _Decisions) -> tuple[float, ...]:
    """Return a factor per class with a mean of 1 over the rows, or nothing."""
    if recipe.class_weights != "balanced":
        return ()
    if facts.task != "classify":
        raise RecipeError("recipe: class_weights = 'balanced' needs classes, and this is regress.")
    total, classes = sum(facts.class_counts), len(facts.class_counts)
    weights = tuple(total / (classes * count) for count in facts.class_counts)
    made.choose("class_weights", "balanced", weights)
    return weights
