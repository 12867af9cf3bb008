"""What the user wants: everything may be left out or be `auto`, nothing is decided here.

Read from `recipe.toml`, from `--set key.sub=value`, and from the arguments of `tutelage.train`; all three use these keys.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer, model_validator

from tutelage.core import catalog
from tutelage.core.amount import parse_count, parse_seconds
from tutelage.core.border import MAX_DOTS, BorderError, MalformedError, bounded, is_missing, parse_toml, read_bounded
from tutelage.core.errors import RecipeError
from tutelage.core.patience import PATIENCE_SECONDS
from tutelage.core.spec import Auto, Location, Pick, Spec, Wish, parse
from tutelage.planning.execution import MOST_THREADS
from tutelage.planning.origin import OriginWish
from tutelage.planning.teaching import TeachingWish
from tutelage.planning.until import parse_until

__all__ = ["Budget", "Recipe", "Saving", "Split", "StoppingWish", "parse_setting", "read_recipe"]

MAX_EPOCHS, MAX_STEPS = 10**6, 10**12
"""More than any machine does in a life; beyond 2^53 steps could no longer be counted in a float."""
MAX_BATCH = 10**7
"""Rows; more than any memory holds."""


class Budget(Spec):
    """How much training; at most one of the four."""

    epochs: float | Auto = Field("auto", description="Passes over the training rows, > 0, at most a million.")
    steps: int | Auto = Field("auto", description="Optimizer steps, > 0, at most 10^12.")
    time: float | str | Auto = Field("auto", description="Wall time of the whole command, such as 90s, 3m, 1h30m.")
    env_steps: int | str | Auto = Field("auto", description="Steps of the environment that an agent acts in, such as 100k, 1M.")
    corrections: tuple[tuple[int, int], ...] = Field(
        (), description="Repeats a time budget's corrections: [step, steps planned]."
    )

    @model_validator(mode="after")
    def _is_one(self) -> "Budget":
        given = [name for name in ("epochs", "steps", "time", "env_steps") if getattr(self, name) != "auto"]
        if len(given) > 1:
            raise ValueError(f"give one of epochs, steps, time, env_steps; found {' and '.join(given)}")
        for name, most in (("epochs", MAX_EPOCHS), ("steps", MAX_STEPS)):
            value = getattr(self, name)
            if value != "auto" and not 0 < value <= most:
                raise ValueError(
                    f"{name} = {value} must be > 0 and at most {most:,}. Typical: 10 epochs, 1000 steps, or --time 3m"
                )
        if self.time != "auto":
            parse_seconds(str(self.time))
        if self.env_steps != "auto":
            parse_count(str(self.env_steps))
        return self

    @property
    def seconds(self) -> float:
        """The time that the user gives; 0 where none is given."""
        return 0.0 if self.time == "auto" else parse_seconds(str(self.time))


class Split(Spec):
    """Which rows are kept apart, and how many."""

    by: Literal["auto", "random", "time", "group"] = Field(
        "auto",
        description="random = any rows; time = train is before validation is before test; group = all rows of a group are in one "
        "part; auto = random, with a warning where rows hang together.",
    )
    column: str = Field("auto", description="Column of the times or groups; auto = the only one with dates.")
    pattern: str = Field(
        "", description="Regular expression that finds the time or group in file names, or in the column, such as patient(\\d+)."
    )
    gap: int = Field(0, ge=0, description="With split.by = time: rows just before validation, and before test, in no part.")
    validation: float | Auto = Field(
        "auto",
        description="Fraction of the train rows that early stopping watches, in (0, 0.5], or a whole number of rows; auto = the "
        "source's own validation part, where it has one. For forecasts of all times, or a whole number of times.",
    )
    test: float | Auto = Field(
        "auto",
        description="Fraction kept for the test where the source has no test part, in [0, 0.5], or a whole number of rows; for "
        "forecasts the last times, or a whole number of them.",
    )

    @model_validator(mode="after")
    def _fits(self) -> "Split":
        """Refuse settings that nothing would come of."""
        given = [
            f"{key} = {value!r}"
            for key, value in (("column", self.column), ("pattern", self.pattern))
            if value not in ("auto", "")
        ]
        if given and self.by in ("auto", "random"):
            raise ValueError(f"{' and '.join(given)} says nothing by itself. Add split.by = 'time' or 'group'")
        if self.gap and self.by != "time":
            raise ValueError(f"gap = {self.gap} says nothing by itself. Add split.by = 'time'")
        return self


class StoppingWish(Spec):
    """When to stop early."""

    metric: str = Field("auto", description="Validation metric to watch, such as accuracy, loss, rmse.")
    patience: float | Auto = Field(
        "auto", description="Fraction of the budget without a better score, in (0, 1]; 1 never stops early."
    )
    min_delta: Annotated[float, Field(ge=0, le=1e100)] | Auto = Field(
        "auto",
        description="How much better a score must be to count; auto = half its standard error where a cooldown "
        "follows, else anything.",
    )
    cooldown: Annotated[float, Field(ge=0, le=1)] | Auto = Field(
        "auto",
        description="Fraction of the budget in which the learning rate falls to zero once patience has run out; 0 stops at once; "
        "auto = 0 under a time budget.",
    )


class Saving(Spec):
    """How often to write checkpoints, and what a full disk means."""

    every_seconds: float = Field(15.0, ge=0, le=1e9, description="Wall time between checkpoints; 0 saves after every step.")
    patience_seconds: float = Field(
        PATIENCE_SECONDS,
        ge=0,
        le=1e9,
        description="How long a full disk is waited for; 0 ends at the first refusal.",
    )


class Recipe(Spec):
    """All that can be wished for a training."""

    format: Literal["recipe-1"] = Field("recipe-1", description="Which version of these keys is meant; a run writes it down.")
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
    floor: Wish("floor") | Literal["none"] = Field(  # type: ignore[valid-type]
        "auto", description="Plain model beside the network, or none: it shows what the network adds."
    )
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
    calibrate: str = Field(
        "auto",
        description="What makes probabilities honest, fitted to held-out rows after training: a name, none, or auto (the best by "
        "cross-validated log loss, none among them). With fewer than 2,000 validation rows, all of them also choose the best "
        "weights; measured, that did no harm.",
    )
    mirror: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Of images: average the answers for each and its mirror image, at twice the price; auto = decided at the end "
        "by the validation rows.",
    )
    class_weights: Literal["auto", "none", "balanced"] = Field("auto", description="Whether rare classes count more.")
    precision: Literal["auto", "float32", "bfloat16"] = Field("auto", description="Precision of products.")
    compile: Literal["auto", "none", "inductor"] = Field("auto", description="Whether to compile the objective.")
    memory_format: Literal["auto", "contiguous", "channels_last"] = Field(
        "auto", description="How images and filters lie in memory; auto = channels last for pictures, measured for an own module."
    )
    threads: int | Auto = Field(
        "auto",
        description="Threads that torch computes with on a CPU; auto = those that it has, or fewer for an own module that "
        "is measured to be faster so.",
    )
    device: str = Field("auto", description="cpu, cuda, cuda:1 ...")
    deterministic: bool | Auto = Field(
        "auto", description="Kernels of a graphics card that repeat their bits, which are slower; auto = false. A CPU needs none."
    )
    stall_seconds: float = Field(
        60.0,
        ge=0,
        le=1e9,
        description="Seconds without a step, and more than 20 usual steps, after which it is told; 0 = never.",
    )
    seed: int = Field(0, ge=0, lt=2**63, description="Root of all randomness.")
    until: str = Field(
        "",
        max_length=200,
        description="Stop once a validation metric is reached, such as accuracy=0.95 or loss=0.3; the budget is the most then.",
    )
    budget: Budget = Budget()
    split: Split = Split()
    distill: TeachingWish = TeachingWish()
    stopping: StoppingWish = StoppingWish()
    save: Saving = Saving()
    start_from: OriginWish = OriginWish()

    @field_validator("batch_size")
    @classmethod
    def _is_possible(cls, value: int | str) -> int | str:
        """Refuse batches of no rows, and of more than any memory holds."""
        if isinstance(value, int) and not 1 <= value <= MAX_BATCH:
            raise ValueError(f"must be 1 to {MAX_BATCH:,}. Typical: 16 to 512")
        return value

    @field_validator("threads")
    @classmethod
    def _are_some(cls, value: int | str) -> int | str:
        """Refuse no threads, and more than any machine has."""
        if isinstance(value, int) and not 1 <= value <= MOST_THREADS:
            raise ValueError(f"must be 1 to {MOST_THREADS:,}. Typical: the number of cores")
        return value

    @field_validator("calibrate")
    @classmethod
    def _is_calibrator(cls, name: str) -> str:
        """Refuse a name that no calibrator has."""
        known = ("auto", "none", *catalog.names("calibrator"))
        if name not in known:
            raise ValueError(f"unknown calibrator {name!r}{catalog.suggest(name, known)} Known: {', '.join(known)}")
        return name

    @field_validator("until")
    @classmethod
    def _is_target(cls, text: str) -> str:
        """Refuse what names no metric and value."""
        if text:
            parse_until(text)
        return text

    @property
    def is_heir(self) -> bool:
        """Whether a student begins with the weights of one of its teachers."""
        return bool(self.start_from.path) and self.start_from.path in self.distill.teachers

    @field_validator("start_from", mode="before")
    @classmethod
    def _as_origin(cls, value: object) -> object:
        """Take a path alone as a table of settings."""
        return {"path": value} if isinstance(value, str) else value

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
        RecipeError: The file is missing, is not TOML, or is beyond a limit; the message has the line.
    """
    try:
        return recipe_values(read_bounded(path), where=str(path))
    except BorderError as error:
        raise RecipeError(f"{path}: {error}. Expected a TOML file, such as those in recipes/.") from error
    except OSError as error:
        found = "no such recipe file" if is_missing(error) else f"cannot be read ({error.strerror})"
        raise RecipeError(f"{path}: {found}. Expected a TOML file, such as those in recipes/.") from error


def recipe_values(content: bytes, *, where: str) -> dict[str, Any]:
    """Return nested keys and values of a recipe's text.

    Raises:
        RecipeError: It is not TOML, or is beyond a limit; the message has the line.
    """
    try:
        return parse_toml(content)
    except BorderError as error:
        raise RecipeError(f"{where}: {error}. Mend that, or begin with one of those in recipes/.") from error


def parse_setting(text: str) -> tuple[list[str], Any]:
    """Read one `key.sub=value`; a value that is not TOML (a bare word) is taken as text.

    Raises:
        RecipeError: There is no `=` or no key.
    """
    # An equals sign within quotes belongs to a name.
    cut = next((place for place, sign in enumerate(text) if sign == "=" and text.count('"', 0, place) % 2 == 0), -1)
    keys, value = _parse_key(text[: max(cut, 0)]), text[cut + 1 :].strip()
    if not keys or not all(keys) or len(keys) > MAX_DOTS:
        raise RecipeError(
            f"--set {text[:200]!r}: expected key=value or key.sub=value, such as --set optim.lr=0.001. A name with a dot in it "
            "stands in double quotes: --set 'columns.\"a.b\"=category'."
        )
    try:
        values = parse_toml(f"value = {value}".encode("utf-8", "surrogateescape"))
    except MalformedError:
        return keys, value
    except BorderError as error:
        raise RecipeError(f"--set {text[:80]!r}: {error}.") from error
    # More than one line would be more than one value.
    return keys, values["value"] if len(values) == 1 else value


def _parse_key(text: str) -> list[str]:
    """Part a dotted key; [] where its quotes do not match, or where it leads deeper than any recipe."""
    if text.count(".") > MAX_DOTS:
        return []
    if '"' not in text:
        return [part.strip() for part in text.split(".")]
    try:
        inner: Any = parse_toml(f"{text} = 0".encode("utf-8", "surrogateescape"))
    except BorderError:
        return []
    keys = []
    while isinstance(inner, dict):
        ((key, inner),) = inner.items()
        keys.append(key)
    return keys


def merge(base: Mapping[str, Any], keys: list[str], value: object) -> dict[str, Any]:
    """Return nested tables with one value put in, in whatever order they are said.

    A name that gets sub-keys becomes a table with that `kind`; a component's table that gets a name keeps its settings.
    """
    key, inner = keys[0], base.get(keys[0])
    if len(keys) > 1:
        return {**base, key: merge(_as_table(key, inner), keys[1:], value)}
    is_named = key in (*catalog.families(), "start_from") and isinstance(value, str)
    is_table = isinstance(value, Mapping)
    if is_named and isinstance(inner, Mapping):
        kept = {name: setting for name, setting in inner.items() if name != _naming(key)}
        value = {**kept, **_as_table(key, value)} if kept else value
    elif is_table and (isinstance(inner, Mapping) or key in catalog.families()):
        value = {**_as_table(key, inner), **_as_table(key, value)}
    return {**base, key: value}


def _as_table(key: str, said: object) -> Mapping[str, Any]:
    """Return what stands under a key as a table of settings."""
    if isinstance(said, str) and said != "auto":
        return {_naming(key): said}
    return said if isinstance(said, Mapping) else {}


def _naming(key: str) -> str:
    """Return the setting that a name alone stands for."""
    return "path" if key in ("source", "start_from") else "kind"


def recipe_from(values: Mapping[str, Any], *, where: str) -> Recipe:
    """Check nested keys and values.

    Raises:
        RecipeError: Everything wrong with them, each with its key.
    """
    try:
        bounded(values)
    except BorderError as error:
        raise RecipeError(f"{where}: {error}.") from error
    recipe: Recipe = parse(Recipe, values, where=where)
    return recipe
