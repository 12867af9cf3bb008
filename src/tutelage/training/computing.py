"""How and where to compute: decided from what the machine was measured to do, unless the user says it."""

from collections.abc import Mapping
from typing import Any, Literal

from tutelage.core.errors import RecipeError
from tutelage.core.shape.base import Shape
from tutelage.core.spec import Component
from tutelage.defaults.base import Suggestion
from tutelage.planning.decisions import Decisions
from tutelage.planning.execution import Execution, usual_format
from tutelage.planning.facts import Facts
from tutelage.planning.recipe import Recipe

__all__ = ["decide_computing", "decide_execution"]

BF16_PAYS = 1.3
"""Measured speed of bfloat16 products over float32 from which on it is used."""
DETERMINISTIC_REASON = "kernels that repeat their bits are slower, and some operations have none: so only if asked for"
COMPILE_REASON = "eager kernels are as fast for such sizes, and compiling costs up to a minute"
COMPILED_REASON = "fused kernels are faster for such models; compiling costs some 20 s once"
COMPILE_SECONDS, COMPILE_STEPS = 90.0, 2_000
"""Budgets from which compiling pays: shorter ones are over before it is done."""


def decide_computing(
    recipe: Recipe, facts: Facts, auto: Suggestion, made: Decisions, *, model: Component | None, amounts: Mapping[str, Any]
) -> dict[str, Any]:
    """Choose how and where to compute."""
    machine = facts.machine
    return {
        "precision": _decide_precision(recipe, facts, auto, made),
        "compile": _decide_compile(recipe, facts, auto, made, model=model, amounts=amounts),
        "device": made.choose("device", recipe.device, machine.device, f"{machine.name}, {machine.num_threads} threads"),
        "deterministic": _decide_deterministic(recipe, facts, made),
    }


def _decide_precision(recipe: Recipe, facts: Facts, auto: Suggestion, made: Decisions) -> Literal["float32", "bfloat16"]:
    """Choose bfloat16 where the hardware has it and it was measured to pay."""
    machine = facts.machine
    if recipe.precision != "auto":
        value = recipe.precision
        made.choose("precision", value, value)
        return value
    if not auto.bf16:
        reason = "products are too small a part of such a step for bfloat16 to pay"
    elif machine.bf16 and machine.speedup >= BF16_PAYS:
        made.choose(
            "precision", "auto", "bfloat16", f"this machine has it ({machine.bf16}, measured {machine.speedup:.1f}x as fast)"
        )
        return "bfloat16"
    else:
        reason = machine.bf16_refused or "this machine has no fast bfloat16"
    made.choose("precision", "auto", "float32", reason)
    return "float32"


def _decide_compile(
    recipe: Recipe, facts: Facts, auto: Suggestion, made: Decisions, *, model: Component | None, amounts: Mapping[str, Any]
) -> str:
    """Choose whether to compile.

    Raises:
        RecipeError: The model cannot be compiled.
    """
    can_compile = getattr(model, "compiles", True)
    if recipe.compile not in ("auto", "none") and not can_compile:
        kind = getattr(model, "kind", "")
        raise RecipeError(f"recipe: compile = {recipe.compile!r}: torch compiles no model = {kind!r}. Leave compile out.")
    is_long = amounts["time_seconds"] >= COMPILE_SECONDS or amounts["total_steps"] >= COMPILE_STEPS
    pays = auto.compile and can_compile and is_long and bool(facts.machine.compiler)
    best, reason = ("inductor", COMPILED_REASON) if pays else ("none", COMPILE_REASON)
    chosen: str = made.choose("compile", recipe.compile, best if recipe.compile == "auto" else recipe.compile, reason)
    return chosen


def decide_execution(recipe: Recipe, shape: Shape, made: Decisions) -> Execution | None:
    """Return how steps are computed beside precision and compiling; None where nothing is said of it."""
    if recipe.memory_format == "auto" and recipe.threads == "auto":
        return None
    execution = Execution(
        memory_format=usual_format(shape) if recipe.memory_format == "auto" else recipe.memory_format,
        num_threads=0 if recipe.threads == "auto" else recipe.threads,
    )
    for key, wish in (("memory_format", recipe.memory_format), ("threads", recipe.threads)):
        if wish != "auto":
            made.choose(key, wish, wish)
    return execution


def _decide_deterministic(recipe: Recipe, facts: Facts, made: Decisions) -> bool:
    """Choose whether a graphics card has to repeat its bits."""
    is_wished = recipe.deterministic is True
    reason = "a CPU repeats its bits without it" if facts.machine.device == "cpu" else DETERMINISTIC_REASON
    made.choose("deterministic", recipe.deterministic, "yes" if is_wished else "no", reason)
    return is_wished
