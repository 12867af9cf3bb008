"""The model gives one answer to every row, the most frequent one: the classes are unbalanced."""

from typing import ClassVar, Literal

from tutelage.diagnosis.base import Cause, Reason
from tutelage.diagnosis.facts import Facts

__all__ = ["OneAnswer"]

ALWAYS = 0.99
MAJORITY, LARGE_MAJORITY = 0.6, 0.85
"""Fraction of rows from which the most frequent answer pays so much that the others are not worth a try: where the
probabilities tell rows apart, and where nothing does, which smaller majorities do not explain."""


class OneAnswer(Cause):
    """One class for every row."""

    kind: Literal["one_answer"] = "one_answer"
    order: ClassVar[int] = 44
    needs_steps: ClassVar[bool] = True
    is_for_partly: ClassVar[bool] = True

    def find(self, facts: Facts) -> Reason | None:
        """Look for one answer to all rows that is right for most of them."""
        always, truth = facts.answer_fraction, facts.truth_fraction
        most = MAJORITY if facts.is_partly_better else LARGE_MAJORITY
        if always is None or truth is None or always < ALWAYS or truth < most:
            return None
        found = f"the model answers {facts.answer} to {always:.0%} of the rows, which is true for {truth:.0%} of them"
        if facts.is_partly_better:
            found += "; its probabilities do tell rows apart"
        return self.reason(
            found,
            "Weigh rare classes more: --set class_weights=balanced; and judge by a metric that counts all classes alike: "
            "--set metrics=balanced_accuracy,loss.",
        )

    @classmethod
    def examples(cls) -> tuple[Facts, Facts]:
        """Return one answer for all where most rows are so, and where a third of them is."""
        return tuple(  # type: ignore[return-value]
            Facts(steps=500, epochs=10, answer="'no'", answer_fraction=1.0, truth_fraction=truth) for truth in (0.95, 0.34)
        )
