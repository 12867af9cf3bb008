"""What the user wants: everything may be left out or be `auto`, nothing is decided here.

Read from `recipe.toml`, from `--set key.sub=value`, and from the arguments of `tutelage.train`; all three use these keys.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer, model_validator

from tutelage.core.amount import parse_seconds
from tutelage.core.errors import RecipeError
from tutelage.core.spec import Auto, Location, Pick, Spec, Wish, parse

__all__ = ["Budget", "Recipe", "Saving", "Split", "StoppingWish", "parse_setting", "read_recipe"]


MAX_EPOCHS, MAX_STEPS = 10**6, 10**12
"""More than any machine does in a life; beyond 2^53 steps could no longer be counted in a float."""


class Budget(Spec):
    """How much training; at most one of the three."""

    epochs: float | Auto = Field("auto", description="Passes over the training rows, > 0, at most a million.")
    steps: int | Auto = Field("auto", description="Optimizer steps, > 0, at most 10^12.")
    time: float | str | Auto = Field("auto", description="Wall time of the whole command, such as 90s, 3m, 1h30m.")
    corrections: tuple[tuple[int, int], ...] = Field(
        (), description="Repeats a time budget's corrections: [step, steps planned]."
    )

    @model_validator(mode="after")
    def _is_one(self) -> "Budget":
        given = [name for name in ("epochs", "steps", "time") if getattr(self, name) != "auto"]
        if len(given) > 1:
            raise ValueError(f"give one of epochs, steps, time; found {' and '.join(given)}")
        for name, most in (("epochs", MAX_EPOCHS), ("steps", MAX_STEPS)):
            value = getattr(self, name)
            if value != "auto" and not 0 < value <= most:
                raise ValueError(
                    f"{name} = {value} must be > 0 and at most {most:,}. Typical: 10 epochs, 1000 steps, or --time 3m"
                )
        if self.time != "auto":
            parse_seconds(str(self.time))
        return self


class Split(Spec):
    """Which fractions of the rows are kept apart."""

    validation: float | Auto = Field("auto", description="Fraction of the train rows that early stopping watches, in (0, 0.5].")
    test: float | Auto = Field("auto", description="Fraction kept for the test where the source has no test part, in [0, 0.5].")


class StoppingWish(Spec):
    """When to stop early."""

    metric: str = Field("auto", description="Validation metric to watch, such as accuracy, loss, rmse.")
    patience: float | Auto = Field(
        "auto", description="Fraction of the budget without a better score, in (0, 1]; 1 never stops early."
    )
    min_delta: float = Field(0.0, ge=0, le=1e100, description="How much better a score must be to count.")


MAX_BATCH = 10**7


class Saving(Spec):
    """How often to write checkpoints."""

    every_seconds: float = Field(15.0, ge=0, le=1e9, description="Wall time between checkpoints; 0 saves after every step.")


class Recipe(Spec):
    """All that can be wished for a training."""

    source: Location = Field(
        "", description="Folder, file, or a bundled set such as sklearn:digits; with settings {path = ..., ...}."
    )
    source_settings: dict[str, Any] = Field(default_factory=dict, description="Settings of the source, as in `source`.")
    test: Location = Field("", description="Where the test part is, if not inside the source.")
    target: str = Field("auto", description="Name of the target column.")
    columns: dict[str, Literal["number", "category", "date", "boolean", "dropped"]] = Field(
        default_factory=dict, description="Roles of columns that were not recognized as you want."
    )
    on_bad_data: Literal["fail", "skip"] = Field("fail", description="Refuse bad items, or leave them out and list them.")
    task: Wish("task") = Field("auto", description="What is learned: tutelage list task.")  # type: ignore[valid-type]
    model: Wish("model") = Field("auto", description="Architecture.")  # type: ignore[valid-type]
    init: Wish("init") = Field("auto", description="Initialization; auto is the architecture's own.")  # type: ignore[valid-type]
    prepare: Wish("prepare") = Field("auto", description="Preprocessing.")  # type: ignore[valid-type]
    augment: Wish("augment") | Literal["none"] = Field("auto", description="Augmentation, or none.")  # type: ignore[valid-type]
    loss: Wish("loss") = Field("auto", description="Loss.")  # type: ignore[valid-type]
    optim: Wish("optim") = Field("auto", description="Optimizer.")  # type: ignore[valid-type]
    schedule: Wish("schedule") = Field("auto", description="Learning-rate schedule.")  # type: ignore[valid-type]
    metrics: tuple[Pick("metric"), ...] | Auto = Field(  # type: ignore[valid-type]
        "auto", description="What is measured: names, or tables with settings, of metrics that fit the task."
    )
    batch_size: int | Auto = Field("auto", description="Rows per optimizer step, 1 to 10^7.")
    num_micro: int = Field(1, gt=0, le=4096, description="Parts a batch is cut into to save memory.")
    clip: float | Auto = Field("auto", description="Largest global gradient norm; 0 does not clip.")
    ema: float | Auto = Field("auto", description="Decay of the weight average, in [0, 1); 0 keeps none.")
    class_weights: Literal["auto", "none", "balanced"] = Field("auto", description="Whether rare classes count more.")
    precision: Literal["auto", "float32", "bfloat16"] = Field("auto", description="Precision of products.")
    compile: Literal["auto", "none", "inductor"] = Field("auto", description="Whether to compile the objective.")
    device: str = Field("auto", description="cpu, cuda, cuda:1 ...")
    deterministic: bool | Auto = Field(
        "auto", description="Kernels of a graphics card that repeat their bits, which are slower; auto = false. A CPU needs none."
    )
    seed: int = Field(0, ge=0, lt=2**63, description="Root of all randomness.")
    budget: Budget = Budget()
    split: Split = Split()
    stopping: StoppingWish = StoppingWish()
    save: Saving = Saving()

    @field_validator("batch_size")
    @classmethod
    def _is_possible(cls, value: int | str) -> int | str:
        """Refuse batches of no rows, and of more than any memory holds."""
        if isinstance(value, int) and not 1 <= value <= MAX_BATCH:
            raise ValueError(f"must be 1 to {MAX_BATCH:,}. Typical: 16 to 512")
        return value

    @field_validator("metrics", mode="before")
    @classmethod
    def _as_list(cls, value: object) -> object:
        """Take one metric alone as a list of one."""
        return (value,) if isinstance(value, Mapping) or (isinstance(value, str) and value != "auto") else value

    @model_validator(mode="before")
    @classmethod
    def _part_source(cls, values: Any) -> Any:
        """Take a source with settings, `{path = "gaussians:8", num_points = 2000}`, apart."""
        source = values.get("source") if isinstance(values, Mapping) else None
        if not isinstance(source, Mapping):
            return values
        settings = {key: value for key, value in source.items() if key != "path"}
        given = values.get("source_settings", {})
        joined = {**given, **settings} if isinstance(given, Mapping) else given  # which is refused as what it is
        return {**values, "source": source.get("path", ""), "source_settings": joined}

    @model_serializer(mode="wrap")
    def _join_source(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Write a source with settings as it is written in a recipe."""
        values: dict[str, Any] = write(self)
        settings = values.pop("source_settings", {})
        return {**values, "source": {"path": values.get("source", ""), **settings}} if settings else values


def read_recipe(path: Path) -> dict[str, Any]:
    """Read a recipe file as nested keys and values.

    Raises:
        RecipeError: The file is missing or is not TOML; the message has the line.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RecipeError(f"{path}: no such recipe file.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: not a TOML file: {error}.") from error


def parse_setting(text: str) -> tuple[list[str], Any]:
    """Read one `key.sub=value`; a value that is not TOML (a bare word) is taken as text.

    Raises:
        RecipeError: There is no `=` or no key.
    """
    # An equals sign within quotes belongs to a name.
    cut = next((place for place, sign in enumerate(text) if sign == "=" and text.count('"', 0, place) % 2 == 0), -1)
    keys, value = _parse_key(text[: max(cut, 0)]), text[cut + 1 :].strip()
    if not keys or not all(keys):
        raise RecipeError(
            f"--set {text!r}: expected key=value or key.sub=value, such as --set optim.lr=0.001. A name with a dot in it "
            "stands in double quotes: --set 'columns.\"a.b\"=category'."
        )
    try:
        return keys, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return keys, value
    except (RecursionError, ValueError) as error:  # nested too deeply, or a number of thousands of digits
        raise RecipeError(f"--set {'.'.join(keys)}: the value ({len(value):,} characters) cannot be read: {error}.") from error


MAX_DEPTH = 20
"""Dots in a key: no recipe is deeper, and names with dots have few."""


def _parse_key(text: str) -> list[str]:
    """Part a dotted key; [] where its quotes do not match, or where it leads deeper than any recipe."""
    if text.count(".") > MAX_DEPTH:
        return []
    if '"' not in text:
        return [part.strip() for part in text.split(".")]
    try:
        inner: Any = tomllib.loads(f"{text} = 0")
    except tomllib.TOMLDecodeError:
        return []
    keys = []
    while isinstance(inner, dict):
        ((key, inner),) = inner.items()
        keys.append(key)
    return keys


def merge(base: Mapping[str, Any], keys: list[str], value: object) -> dict[str, Any]:
    """Return nested tables with one value put in; a name that gets sub-keys becomes a table with that `kind`."""
    inner = base.get(keys[0])
    if len(keys) == 1:
        return {**base, keys[0]: value}
    if isinstance(inner, str):
        inner = {} if inner == "auto" else {"path" if keys[0] == "source" else "kind": inner}
    return {**base, keys[0]: merge(inner if isinstance(inner, Mapping) else {}, keys[1:], value)}


def recipe_from(values: Mapping[str, Any], *, where: str) -> Recipe:
    """Check nested keys and values.

    Raises:
        RecipeError: Everything wrong with them, each with its key.
    """
    recipe: Recipe = parse(Recipe, values, where=where)
    return recipe
