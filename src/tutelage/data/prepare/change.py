"""What preprocessing did to one piece of a row: before, after and how, in words for people.

Not a component.
"""

from dataclasses import dataclass

__all__ = ["Change", "say_less", "say_value"]


@dataclass(frozen=True, slots=True)
class Change:
    """One piece of a row, before and after.

    Attributes:
        name: Of the piece, such as a column.
        before: As it was read.
        after: As the model takes it.
        how: The sum or the rule that leads from one to the other.
    """

    name: str
    before: str
    after: str
    how: str = ""


def say_value(value: float) -> str:
    """Write a number with four digits.

    Example:
        >>> say_value(29.69912), say_value(0.0), say_value(-0.53)
        ('29.7', '0', '-0.53')
    """
    return f"{value:.4g}"


def say_less(value: float) -> str:
    """Write that a number is taken away.

    Example:
        >>> say_less(2.5), say_less(-2.5)
        ('- 2.5', '+ 2.5')
    """
    return f"- {say_value(value)}" if value >= 0 else f"+ {say_value(-value)}"
