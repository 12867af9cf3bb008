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
    _require_mixable(wish, known)
    is_mixed, anew = bool(wish.mixed), "mixtures are made anew for each batch"
    views, why = ("live", anew) if is_mixed else _decide_views(wish.views, known, augment)
    made.choose("distill.teachers", "auto", ", ".join(file.path for file in known.files), "; ".join(known.notes))
    made.choose("distill.own", "auto", wish.own, "the share of the task's own loss")
    if is_mixed:
        made.choose("distill.mixed", wish.mixed, wish.mixed)
    made.choose("distill.views", wish.views, views, why)
    return Teaching(teachers=known.files, terms=terms, own=wish.own, views=views, extra=wish.extra, mixed=wish.mixed)


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
    if not wish.own and not any(term.weight for term in terms):
        raise RecipeError(
            "recipe: distill.own = 0, and no term has a weight: there is nothing to learn. Give one of them a weight."
        )
    return terms


def _require_mixable(wish: TeachingWish, known: TeacherFacts) -> None:
    """Refuse mixtures for which there is no answer.

    Raises:
        RecipeError: They are wished for, and the teachers cannot answer for them.
    """
    fixed = "distill.views = 'fixed' asks for rows as they are" if wish.views == "fixed" else ""
    if wish.mixed and (refusal := known.not_mixed or known.not_live or fixed):
        raise RecipeError(f"recipe: distill.mixed = {wish.mixed:g}: {refusal}. Leave it out.")


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
