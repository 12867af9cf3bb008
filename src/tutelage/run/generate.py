"""Text that a finished language model writes: what is asked for, checked, and the texts as they come, piece by piece."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tutelage.core.errors import BRING_BACK, RunError, UsageError
from tutelage.data.prepare.running_text import FittedText
from tutelage.floor.tokens import TokensFitted
from tutelage.predictor.predictor import Predictor
from tutelage.task.sampling import Drawing, FloorVoice, draw_tokens

__all__ = ["Generation", "Wanted", "begin_generation"]

MAX_TEXTS, MAX_LENGTH, MAX_TEMPERATURE = 1_000, 10**6, 100.0
BLANK = " "


@dataclass(frozen=True)
class Wanted:
    """What is to be written.

    Attributes:
        prompt: What each text begins with; "" leaves it to the model.
        num: How many texts.
        length: Tokens that are added to the prompt: characters, or what the model was trained on.
        temperature: Below 1 cautiously, 1 as the model says; 0 always the likeliest token.
        top_k: Only so many of the likeliest tokens; 0 = all.
        top_p: Only the likeliest tokens that together have this probability; 1 = all.
        seed: Root of all randomness.
        is_cached: Whether to use what the network remembers; makes no difference but for rounding.
    """

    prompt: str = ""
    num: int = 1
    length: int = 500
    temperature: float = 0.8
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0
    is_cached: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            UsageError: A number out of its range; the message names the range.
        """
        for name, low, high in (
            ("num", 1, MAX_TEXTS),
            ("length", 1, MAX_LENGTH),
            ("top_k", 0, MAX_LENGTH),
            ("seed", 0, 2**63 - 1),
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise UsageError(f"{_shown(name)} = {value}: expected a whole number from {low:,} to {high:,}.")
        if not _is_number(self.temperature) or not 0 <= self.temperature <= MAX_TEMPERATURE:
            raise UsageError(
                f"temperature = {self.temperature}: expected a number from 0 (the likeliest) to {MAX_TEMPERATURE:g}."
            )
        if not _is_number(self.top_p) or not 0 < self.top_p <= 1:
            raise UsageError(f"{_shown('top_p')} = {self.top_p}: expected a number above 0, at most 1 (all tokens).")
        if not isinstance(self.prompt, str):
            raise UsageError(f"prompt = {self.prompt!r}: expected a text.")


@dataclass(frozen=True)
class Generation:
    """Texts that are being written.

    Attributes:
        prompt: What they begin with, after characters that the model does not know were replaced.
        notes: What is worth telling, such as such characters.
        pieces: What comes next in each text, again and again, until they are done; some pieces may be empty.
    """

    prompt: str
    notes: tuple[str, ...]
    pieces: Iterator[tuple[str, ...]]

    def texts(self) -> list[str]:
        """Write them to the end and return them, each with its prompt."""
        columns = zip(*self.pieces, strict=True)
        return [self.prompt + "".join(column) for column in columns]


def refuse_agent(path: Path, task: object) -> None:
    """Refuse to generate with what acts.

    Raises:
        RunError: The task acts in an environment.
    """
    if getattr(task, "plays", False):
        kind = getattr(task, "kind", "")
        raise RunError(
            f"{path}: an agent (task {kind!r}) generates nothing: it acts in its environment. "
            f"Watch an episode: tutelage play {path} --out rollout.gif."
        )


def begin_generation(path: Path, predictor: Predictor, wanted: Wanted) -> Generation:
    """Return texts that are written while they are read.

    Args:
        path: The run, for messages.
        predictor: Its model.
        wanted: What to write.

    Raises:
        RunError: The run's model is no language model, or its file does not fit together.
    """
    fitted = predictor.fitted
    refuse_agent(path, predictor.task)
    if not isinstance(fitted, FittedText):
        kind = getattr(predictor.task, "kind", "")
        raise RunError(
            f"{path}: a model of task {kind!r} writes no text. Train a language model: tutelage train book.txt. "
            f"For answers of this one: tutelage predict {path}."
        )
    if fitted.shape != predictor.shape:
        raise RunError(
            f"{path}: its preprocessing makes {fitted.shape.say()}, its model takes {predictor.shape.say()}. {BRING_BACK}"
        )
    companion = predictor.companion
    if companion is not None and not isinstance(companion.fitted, TokensFitted):
        raise RunError(f"{path}: the floor beside its model ({companion.floor.noun}) says nothing of a text. {BRING_BACK}")
    prompt, notes = _known(wanted.prompt, fitted)
    start = fitted.encode(prompt).tolist() or [fitted.start]
    return Generation(prompt, notes, _written(predictor, fitted, start, wanted))


def _written(predictor: Predictor, fitted: FittedText, start: list[int], wanted: Wanted) -> Iterator[tuple[str, ...]]:
    """Yield what comes next in each text."""
    writers: list[Callable[..., str]] = [fitted.writer() for _ in range(wanted.num)]
    companion, voice = predictor.companion, None
    if companion is not None and isinstance(companion.fitted, TokensFitted):
        voice = FloorVoice(companion.fitted, companion.share)
    drawn = draw_tokens(
        predictor.network,
        start,
        num_texts=wanted.num,
        num_tokens=wanted.length,
        length=fitted.length,
        drawing=Drawing(wanted.temperature, wanted.top_k, wanted.top_p, never=fitted.never_drawn),
        seed=wanted.seed,
        device=predictor.device,
        is_cached=wanted.is_cached,
        voice=voice,
    )
    for token_B in drawn:
        yield tuple(write([token]) for write, token in zip(writers, token_B.tolist(), strict=True))


def _known(prompt: str, fitted: FittedText) -> tuple[str, tuple[str, ...]]:
    """Return the prompt with characters that the model knows, and what was replaced."""
    unknown = fitted.unknown(prompt)
    if not unknown:
        return prompt, ()
    instead = "" if fitted.unknown(BLANK) else BLANK
    known = prompt.translate(dict.fromkeys(map(ord, unknown), instead))
    shown = ", ".join(map(repr, unknown))
    became = "became blanks" if instead else "were left out"
    return known, (f"characters of the prompt that the train text does not have {became}: {shown}",)


def _is_number(value: object) -> bool:
    """Tell whether a value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _shown(name: str) -> str:
    """Write a name as the command line and Python both know it."""
    return name.replace("_", "-")
