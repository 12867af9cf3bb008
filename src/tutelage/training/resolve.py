"""From wishes and facts to a plan: pure, every value with its reason; which task and which data it is for, it does not know."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

from tutelage.core import catalog
from tutelage.core.amount import parse_count, say_seconds
from tutelage.core.errors import RecipeError
from tutelage.core.spec import Component, Spec, grant
from tutelage.defaults.base import Suggestion
from tutelage.defaults.started import started
from tutelage.metric.base import Metric
from tutelage.planning.decisions import Decisions, say
from tutelage.planning.facts import Facts
from tutelage.planning.plan import Plan, SplitPlan
from tutelage.planning.recipe import Recipe
from tutelage.task.base import OPTIONAL, TaskSpec
from tutelage.training.calibrating import decide_calibration
from tutelage.training.computing import decide_computing, decide_execution
from tutelage.training.stopping import decide_stopping, known_metrics, require_fitting
from tutelage.training.teaching import decide_teaching

__all__ = ["resolve"]

NOTHING: tuple[object, ...] = ("none", 0)
"""Wishes, such as `ema = 0`, for what a task does that has no such thing."""
LEAST_CLIP = 1e-6
"""The smallest norm that gradients may be clipped to: less is lost in the optimizers' rounding, and nothing is learned."""


def resolve(
    recipe: Recipe,
    facts: Facts,
    *,
    own_model: str = "",
    prepare: Component | None = None,
    split: SplitPlan | None = None,
) -> Plan:
    """Decide everything.

    Args:
        recipe: What the user wants.
        facts: What is known about the data and the machine.
        own_model: Class name of a module passed from Python.
        prepare: The preprocessing that was fitted.
        split: Which fractions were kept apart.

    Raises:
        RecipeError: A wish that does not fit the data.
    """
    spec = grant(recipe.task, catalog.load("task", facts.task)())
    assert isinstance(spec, TaskSpec)
    _refuse_unused(recipe, spec)
    auto = _suited(spec.suggest(_with_time(facts, recipe)), recipe, facts)
    made = Decisions(auto.why)
    parts = _decide_parts(recipe, facts, spec, auto, made, own_model=own_model)
    task = parts["task"]
    return Plan(
        **parts,
        **(amounts := _decide_amounts(recipe, facts, auto, made, task=task)),
        **_decide_judgement(recipe, facts, task, auto, made),
        source=recipe.source,
        modality=facts.modality,
        own_model=own_model,
        clip=_decide_clip(recipe, auto, made),
        class_weights=task.weigh_classes(recipe, facts, made=made),
        **_granted(recipe),
        shape=task.network_shape(facts),
        num_outputs=task.count_outputs(facts),
        prepare=prepare,
        split=split,
        distill=decide_teaching(recipe, facts, task, parts["augment"], made=made),
        **_sizes(facts),
        seed=recipe.seed,
        **decide_computing(recipe, facts, auto, made, model=parts["model"], amounts=amounts),
        execution=decide_execution(recipe, task.network_shape(facts), made),
        decisions=tuple(made.made),
    )


def _granted(recipe: Recipe) -> dict[str, Any]:
    """Return what is as the recipe says."""
    return {
        "save_seconds": recipe.save.every_seconds,
        "save_patience_seconds": recipe.save.patience_seconds,
        "stall_seconds": recipe.stall_seconds,
    }


def _sizes(facts: Facts) -> dict[str, int]:
    """Return how many rows each part has."""
    return {"num_train": facts.num_train, "num_validation": facts.num_validation, "num_test": facts.num_test}


def _with_time(facts: Facts, recipe: Recipe) -> Facts:
    """Return the facts with the time that the user gives."""
    return replace(facts, seconds=recipe.budget.seconds)


def _suited(auto: Suggestion, recipe: Recipe, facts: Facts) -> Suggestion:
    """Return the defaults for what is known, with the clipping that the user's model needs where they were made for none."""
    # A student that begins with its teacher's weights learns as long as one that begins from nothing.
    auto = auto if recipe.is_heir else started(auto, facts)
    needed = getattr(grant(recipe.model, auto.model), "clip", 0.0)
    if auto.clip or not needed:
        return auto
    return auto.but(clip=needed, why={"clip": "gradients through many steps may explode"})


def _refuse_unused(recipe: Recipe, spec: TaskSpec) -> None:
    """Refuse wishes that mean nothing to the task."""
    usual = Recipe()
    for key in OPTIONAL:
        if key in spec.uses:
            continue
        for name, wish in _differences(getattr(recipe, key), getattr(usual, key), key=key):
            kind = getattr(spec, "kind", "")
            raise RecipeError(f"recipe: {name} = {say(wish)} means nothing to task {kind!r}. Leave it out.")


def _differences(wish: object, usual: object, *, key: str) -> Iterator[tuple[str, object]]:
    """Yield each key, or key of a table, whose wish asks for something; `none` and 0 ask for nothing."""
    if isinstance(wish, Spec) and isinstance(usual, Spec) and type(wish) is type(usual):
        for name, value in wish:
            yield from _differences(value, getattr(usual, name), key=f"{key}.{name}")
    elif wish != usual and getattr(wish, "kind", wish) not in NOTHING:
        yield key, wish


def _decide_parts(
    recipe: Recipe, facts: Facts, spec: TaskSpec, auto: Suggestion, made: Decisions, *, own_model: str
) -> dict[str, Any]:
    """Choose the components."""
    model = None if own_model else made.choose("model", recipe.model, grant(recipe.model, auto.model))
    if own_model:
        made.choose("model", own_model, own_model)
    init = made.choose("init", recipe.init, None if recipe.init == "auto" else recipe.init, "the architecture's own")
    if isinstance(init, dict):
        raise RecipeError(f"recipe: init = {init} names no kind. Known: {', '.join(catalog.names('init'))}.")
    return {
        "task": spec.decide(recipe, facts, auto=auto, made=made),
        "model": model,
        "init": init,
        "augment": _decide_augment(recipe, facts, auto, made),
        "floor": _decide_floor(recipe, facts, spec, auto, made, model=model),
        "optim": made.choose("optim", recipe.optim, grant(recipe.optim, auto.optim)),
        "schedule": made.choose("schedule", recipe.schedule, grant(recipe.schedule, auto.schedule)),
    }


def _decide_amounts(recipe: Recipe, facts: Facts, auto: Suggestion, made: Decisions, *, task: TaskSpec) -> dict[str, Any]:
    """Choose how many rows a step takes, and how many steps there are."""
    batch_size = _decide_batch_size(recipe, facts, auto, made)
    total_steps, time_seconds = _decide_budget(recipe, facts, auto, batch_size, made, task=task)
    return {
        "batch_size": batch_size,
        "num_micro": recipe.num_micro,
        "total_steps": total_steps,
        "useful_steps": -(-int(auto.useful_epochs * facts.num_train) // batch_size),
        "time_seconds": time_seconds,
        "corrections": recipe.budget.corrections,
    }


def _decide_judgement(recipe: Recipe, facts: Facts, task: TaskSpec, auto: Suggestion, made: Decisions) -> dict[str, Any]:
    """Choose what is measured, what early stopping makes of it, and what makes answers honest."""
    metrics = _decide_metrics(recipe, facts, task, made)
    stopping = decide_stopping(recipe, facts, task, auto, made)
    require_fitting(stopping["watched"], metrics, facts)
    return {
        "metrics": metrics,
        "headline": str(getattr(metrics[0], "kind", "")),
        **stopping,
        **decide_calibration(recipe, facts, task, made),
        "mirror": _decide_mirror(recipe, facts, task, made),
    }


def _decide_augment(recipe: Recipe, facts: Facts, auto: Suggestion, made: Decisions) -> Component:
    """Choose the augmentation; it must be able to change what the model receives."""
    chosen: Any = grant(recipe.augment, auto.augment)
    if not chosen.suits(facts.shape):
        raise RecipeError(f"recipe: augment = {say(chosen)} cannot change such data ({facts.shape.say()}). Here: none.")
    augment: Component = made.choose("augment", recipe.augment, chosen)
    return augment


def _decide_floor(
    recipe: Recipe, facts: Facts, spec: TaskSpec, auto: Suggestion, made: Decisions, *, model: Component | None
) -> Component | None:
    """Choose the plain model that stands beside the network.

    Raises:
        RecipeError: It gives other answers than the task, or needs what is not there.
    """
    if "floor" not in spec.uses:
        return None
    known = facts.known
    is_as_before = known is not None and (model, facts.shape) == (known.model, known.shape)
    is_seen_through = is_as_before and getattr(model, "has_stages", False)
    own: Any = catalog.load("floor", auto.floor)() if auto.floor else None
    if own is not None and (spec.answers not in own.answers or (own.needs_lens and not is_seen_through)):
        own = None
    if recipe.floor == "none" or (recipe.floor == "auto" and own is None):
        return None
    if own is None and not isinstance(recipe.floor, Component):
        raise RecipeError(f"recipe: floor = {say(recipe.floor)} names no kind. Known: {', '.join(catalog.names('floor'))}.")
    chosen: Any = recipe.floor if own is None else grant(recipe.floor, own)
    if spec.answers not in chosen.answers:
        given = " or ".join(sorted(chosen.answers))
        raise RecipeError(f"recipe: floor = {say(chosen)} answers with {given}, task {spec.kind!r} with {spec.answers}.")  # type: ignore[attr-defined]
    if chosen.needs_lens and not is_seen_through:
        named = ", ".join(kind for kind in catalog.names("model") if catalog.load("model", kind).has_stages)
        raise RecipeError(
            f"recipe: floor = {say(chosen)} looks at pictures through a network that is known beforehand. Start from a run "
            f"(start_from = RUN, --from RUN) of such a network ({named}), and leave model and prepare out; or leave floor out."
        )
    if chosen.most_rows and facts.num_train > chosen.most_rows:
        found = f"recipe: floor = {say(chosen)} holds all that it sees of all train rows: {facts.num_train:,}, at most "
        raise RecipeError(f"{found}{chosen.most_rows:,} are possible. Leave floor out: of so many rows the network learns more.")
    floor: Component = made.choose("floor", recipe.floor, chosen)
    return floor


def _decide_mirror(recipe: Recipe, facts: Facts, task: TaskSpec, made: Decisions) -> Literal["auto", "on", "off"]:
    """Decide whether answers are averaged with those of mirror images, or that the validation rows decide it at the end.

    Raises:
        RecipeError: It is wished for, and there are no mirror images of such data.
    """
    if "mirror" not in task.uses or not task.network_shape(facts).mirrored:
        if recipe.mirror == "on":
            raise RecipeError(f"recipe: mirror = 'on': such data have no mirror images ({facts.shape.say()}). Leave it out.")
        return "off"
    keeps = facts.traits.get("mirror", "")
    auto, reason = "auto", "decided at the end: by the validation rows, if the mean with the mirror image's answer is better"
    if keeps == "no":
        auto, reason = "off", "mirror images do not keep their meaning here (asked of the train images)"
    chosen: Literal["auto", "on", "off"] = made.choose(
        "mirror", recipe.mirror, auto if recipe.mirror == "auto" else recipe.mirror, reason
    )
    return chosen


def _decide_clip(recipe: Recipe, auto: Suggestion, made: Decisions) -> float:
    """Choose the largest norm of the gradients."""
    limit = auto.clip if recipe.clip == "auto" else float(recipe.clip)
    if not 0 <= limit < math.inf:
        raise RecipeError(f"recipe: clip = {limit:g} must be >= 0; 0 does not clip. Typical: 0.5 to 5.")
    if 0 < limit < LEAST_CLIP:
        raise RecipeError(
            f"recipe: clip = {limit:g} would leave nothing of any gradient; expected 0, which does not clip, or at least "
            f"{LEAST_CLIP:g}. Typical: 0.5 to 5."
        )
    clip: float = made.choose("clip", recipe.clip, limit)
    return clip


def _decide_batch_size(recipe: Recipe, facts: Facts, auto: Suggestion, made: Decisions) -> int:
    """Choose the batch size; never more than the rows there are, where they end."""
    wished = auto.batch_size if recipe.batch_size == "auto" else recipe.batch_size
    if wished <= 0:
        raise RecipeError(f"recipe: batch_size = {wished} must be > 0. Typical: 16 to 512.")
    size = min(wished, facts.num_train) if facts.num_train else wished
    reason = f"for {facts.num_train:,} train rows" if facts.num_train else "for data without an end"
    if size < wished:
        reason = f"all {facts.num_train} train rows"
    batch_size: int = made.choose("batch_size", recipe.batch_size, size, reason)
    return batch_size


def _decide_budget(
    recipe: Recipe, facts: Facts, auto: Suggestion, batch_size: int, made: Decisions, *, task: TaskSpec
) -> tuple[int, float]:
    """Return steps and seconds; one of them is 0."""
    budget = recipe.budget
    if budget.time != "auto":
        made.choose("budget", budget.seconds, say_seconds(budget.seconds))
        return 0, budget.seconds
    if budget.steps != "auto":
        made.choose("budget", budget.steps, f"{budget.steps:,} steps")
        return budget.steps, 0.0
    env_steps = parse_count(str(budget.env_steps)) if budget.env_steps != "auto" else 0
    if env_steps or (auto.env_steps and budget.epochs == "auto"):
        count = env_steps or auto.env_steps
        steps = task.steps_for(count, batch_size)
        taken, why = task.env_steps_for(count)
        cut = f" ({count:,} asked for; {why})" if taken != count else ""
        say = f"{taken:,} environment steps, {steps:,} updates{cut}"
        made.choose("budget", budget.env_steps, say, auto.why.get("steps", ""))
        return steps, 0.0
    if not facts.num_train:
        if budget.epochs != "auto":
            raise RecipeError("recipe: budget.epochs: these data have no end, so there are no epochs. Give steps, or a time.")
        made.choose("budget", budget.steps, f"{auto.steps:,} steps", auto.why.get("steps", ""))
        return auto.steps, 0.0
    epochs = auto.epochs if budget.epochs == "auto" else budget.epochs
    steps = max(1, -(-int(epochs * facts.num_train) // batch_size))
    made.choose("budget", budget.epochs, f"{epochs:g} epochs, {steps:,} steps", auto.why.get("epochs", ""))
    return steps, 0.0


def _decide_metrics(recipe: Recipe, facts: Facts, spec: TaskSpec, made: Decisions) -> tuple[Metric, ...]:
    """Choose what is measured; every metric must be for the kind of answers that the task gives."""
    if recipe.metrics == "auto":
        return tuple(catalog.load("metric", name)() for name in spec.metrics(facts))
    chosen: tuple[Any, ...] = recipe.metrics
    known = known_metrics(spec)
    for metric in chosen:
        if metric.kind not in known:
            near = catalog.suggest(metric.kind, known)
            raise RecipeError(f"recipe: metrics: {metric.kind!r} does not fit the task{near} Known here: {', '.join(known)}.")
        refusal = metric.refusal(len(facts.class_counts) or None)
        if refusal:
            raise RecipeError(f"recipe: metrics: {say(metric)}: {refusal}")
    kinds = [metric.kind for metric in chosen]
    if not kinds or len(set(kinds)) < len(kinds):
        raise RecipeError(f"recipe: metrics = {kinds}: expected at least one, each once. Known here: {', '.join(known)}.")
    made.choose("metrics", recipe.metrics, ", ".join(say(metric) for metric in chosen))
    return chosen
