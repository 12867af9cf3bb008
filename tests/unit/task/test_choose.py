"""Which task is the default: the one with the strongest claim, and none where several are as strong."""

from dataclasses import dataclass
from typing import ClassVar

import pytest

from tutelage.core.errors import RecipeError
from tutelage.data.part.base import Part
from tutelage.task.base import Claim, TaskSpec
from tutelage.task.choose import strongest_claim


@dataclass
class Numbers(Part):
    """Any data."""

    kind: ClassVar[str] = "numbers"
    name: str = "train"
    fingerprint: str = ""


class Claiming(TaskSpec):
    """A task with a claim of its own, or none."""

    kind: str
    strength: int = 0

    def claims(self, part: Part) -> Claim | None:
        return Claim(f"as {self.kind} says", self.strength) if self.strength else None


def test_the_strongest_claim_wins_wherever_it_stands() -> None:
    weak, strong, silent = Claiming(kind="a", strength=1), Claiming(kind="b", strength=2), Claiming(kind="c")
    assert strongest_claim([weak, strong, silent], Numbers()) == (strong, "as b says")
    assert strongest_claim([silent, strong, weak], Numbers()) == (strong, "as b says")


def test_where_nobody_claims_there_is_no_default() -> None:
    assert strongest_claim([Claiming(kind="a")], Numbers()) is None


def test_equal_claims_are_told_and_not_decided_by_the_alphabet() -> None:
    specs = [Claiming(kind="a", strength=2), Claiming(kind="b", strength=2), Claiming(kind="c", strength=1)]
    with pytest.raises(RecipeError, match=r"tasks a, b claim these data alike\. Say which: --task a or --task b"):
        strongest_claim(specs, Numbers())
