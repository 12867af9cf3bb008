"""Decides how teachers teach: which terms, and whether they answer for each changed batch or once for each row."""

from dataclasses import replace
from typing import Any

from tutelage.core import catalog
from tutelage.core.errors import RecipeError
from tutelage.planning.decisions import Decisions, say
from tutelage.planning.facts import Facts
from tutelage.planning.recipe import Recipe
from tutelage.planning.teaching import TeacherFacts, Teaching, TeachingWish
from tutelage.task.base import TaskSpec

__all__ = ["decide_teaching"]

MIXED, MIXED_OWN = 0.5, 0.0
"""Where pictures are mixed: the share of each batch, and of the task's own loss (docs/LOG.md)."""
MOST_OWN = 1e6


def decide_teaching(recipe: Recipe, facts: Facts, task: TaskSpec, augment: object, *, made: Decisions) -> Teaching | None:
    """Return how the student is taught; None where it learns from labels alone.

    Args:
        recipe: What the user wants.
        facts: Of the data and the teachers.
        task: What is learned, decided.
        augment: The augmentation, decided.
        made: Takes each decision.

    Raises:
        RecipeError: A term, or a view, that does not fit.
    """
    known = facts.teachers
    if known is None:
        return None
    wish = recipe.distill
    terms = _decide_terms(recipe, facts, task, made=made)
    has_features = any(term.compares == "features" for term in terms)
    if has_features:
        known = replace(known, not_fixed=known.not_fixed or "features are compared of the very batch that the student sees")
    mixed = _decide_mixed(wish, known, task, terms, made=made)
    views, why = ("live", "mixtures are made anew for each batch") if mixed else _decide_views(wish.views, known, augment)
    made.choose("distill.teachers", "auto", ", ".join(file.path for file in known.files), "; ".join(known.notes))
    own = _decide_own(wish.own, terms, mixed, made=made)
    made.choose("distill.views", wish.views, views, why)
    return Teaching(teachers=known.files, terms=terms, own=own, views=views, extra=wish.extra, mixed=mixed)


def _decide_terms(recipe: Recipe, facts: Facts, task: TaskSpec, *, made: Decisions) -> tuple[Any, ...]:
    """Choose what teachers add to the loss."""
    wish = recipe.distill
    count = len(facts.class_counts) or task.count_outputs(facts)
    if wish.terms == "auto":
        kinds = [catalog.load("distillation", kind) for kind in catalog.names("distillation")]
        chosen = {kind: why for kind in kinds if (why := kind.usual(task.answers, count))}
        terms = tuple(kind.suited(task.answers, count) for kind in chosen)
        made.choose("distill.terms", "auto", ", ".join(say(term) for term in terms), "; ".join(chosen.values()))
    else:
        terms = wish.terms
        made.choose("distill.terms", terms, ", ".join(say(term) for term in terms) or "none")
    for term in terms:
        if refusal := term.refusal(task.answers, count):
            raise RecipeError(f"recipe: distill.terms: {say(term)} {refusal}. Known: tutelage list distillation.")
    if len({term.kind for term in terms}) < len(terms):
        raise RecipeError(f"recipe: distill.terms = {[term.kind for term in terms]}: expected each once.")
    return terms


def _decide_own(wish: float | str, terms: tuple[Any, ...], mixed: float, *, made: Decisions) -> float:
    """Choose what the task's own loss counts beside the teachers."""
    if wish != "auto" and not 0 <= float(wish) <= MOST_OWN:
        raise RecipeError(f"recipe: distill.own = {wish:g}: must be 0 to {MOST_OWN:g}. Typical: 0 to 1.")
    is_taught = any(term.weight for term in terms)
    own = (MIXED_OWN if mixed and is_taught else 1.0) if wish == "auto" else float(wish)
    if not own and not is_taught:
        raise RecipeError(
            "recipe: distill.own = 0, and no term has a weight: there is nothing to learn. Give one of them a weight."
        )
    why = "teachers say more of pictures and their mixtures than labels do" if mixed else "the share of the task's own loss"
    made.choose("distill.own", wish, own, why)
    return own


def _decide_mixed(wish: TeachingWish, known: TeacherFacts, task: TaskSpec, terms: tuple[Any, ...], *, made: Decisions) -> float:
    """Choose which share of each batch is mixtures of two pictures."""
    is_taught = any(term.weight for term in terms)
    refusal = "" if is_taught else "teachers are not asked: no term has a weight"
    refusal = (
        refusal
        or known.not_mixed
        or known.not_live
        or ("distill.views = fixed asks for rows as they are" if wish.views == "fixed" else "")
    )
    if wish.mixed == "auto":
        mixed, why = 0.0, refusal or f"a mixture of {task.answers} is not known to help"
        if not refusal and task.answers == "classes":
            mixed, why = MIXED, "a teacher knows its train rows by heart; of mixtures it says what it has learned"
    else:
        mixed, why = float(wish.mixed), ""
        if not 0 <= mixed <= 1:
            raise RecipeError(f"recipe: distill.mixed = {mixed:g}: must be a share, 0 to 1. Typical: 0.5.")
        if mixed and refusal:
            raise RecipeError(f"recipe: distill.mixed = {mixed:g}: {refusal}. Leave it out.")
    made.choose("distill.mixed", wish.mixed, mixed, why)
    return mixed


def _decide_views(wish: str, known: TeacherFacts, augment: Any) -> tuple[Any, str]:
    """Choose what the teachers look at, and say why."""
    is_changing = getattr(augment, "kind", "none") != "none"
    if wish == "live" and known.not_live:
        raise RecipeError(f"recipe: distill.views = 'live': {known.not_live}. Leave it out.")
    if wish == "fixed" and known.not_fixed:
        raise RecipeError(f"recipe: distill.views = 'fixed': {known.not_fixed}. Leave it out.")
    if wish != "auto":
        return wish, ""
    if known.not_fixed and known.not_live:
        raise RecipeError(f"recipe: distill.terms: {known.not_fixed}, and {known.not_live}. Take terms that compare answers.")
    if known.not_fixed:
        return "live", known.not_fixed
    if not is_changing:
        return "fixed", "rows are not changed at random, so one answer for each serves all epochs"
    if known.not_live:
        return "fixed", f"{known.not_live}: so they answer for each row as it is, and the student sees it changed"
    return "live", "rows are changed at random, and teacher and student see the same change"
