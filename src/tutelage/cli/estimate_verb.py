"""`tutelage estimate SOURCE`: how long a training takes before it starts; trains for a few seconds, and leaves nothing."""

import argparse
from contextlib import suppress

from tutelage.cli.main import STARTED
from tutelage.cli.wishes import make_request, wishes_said
from tutelage.core.amount import say_seconds
from tutelage.core.errors import UsageError
from tutelage.core.outlet import say, say_json, warn
from tutelage.foresight.textbook import ideal_seconds

__all__ = ["run"]

TEXTBOOK = ("flops_per_iteration", "iterations", "flops")
"""Options of the textbook rule, which needs no data."""
UNKNOWN = (
    "interval_50", "interval_80", "bytes", "coverage", "memory_bytes", "fits", "energy_joules", "cost", "parts", "causes",
)  # fmt: skip
"""What the textbook rule says nothing of; null in `--json`, so that every estimate has the same keys."""
WIDTH = 13
"""Characters of the first column."""
EXACTLY = 1_000
"""Factors up to which a decimal means something."""
MOST_DIGITS = 40
"""Characters of a number that are read: what is longer is refused by its size."""
MOST_PARTS = 6
"""Parts that are told one by one."""


def run(arguments: argparse.Namespace) -> int:
    """Say how long it takes."""
    given = [key for key in TEXTBOOK if getattr(arguments, key) is not None]
    if given:
        return _textbook(arguments, given)
    from tutelage.planning.recipe import Recipe
    from tutelage.report.page import write_report
    from tutelage.run.estimate import Estimate, estimate_of
    from tutelage.run.estimating import estimate_resume, estimate_training
    from tutelage.run.run_source import is_run
    from tutelage.run.start import Request

    where = _where(arguments)
    if is_run(arguments.source):
        _refuse(wishes_said(arguments), because="a run goes on by its own plan, and so does its forecast")
        request = Request(Recipe(), started=STARTED)
        found: Estimate = estimate_of(estimate_resume(arguments.source, request, report=write_report), where)
    else:
        request = make_request(arguments, is_quiet=True)
        found = estimate_of(estimate_training(request, report=write_report), where)
    for text in found.warnings:
        warn(text)
    if arguments.json:
        say_json(found.record())
    else:
        _tell(found, where)
    return 0


def _refuse(words: list[str], *, because: str) -> None:
    """Refuse words that would change nothing.

    Raises:
        UsageError: There are some.
    """
    if words:
        raise UsageError(f"{' and '.join(words)}: {because}. Leave {'them' if len(words) > 1 else 'it'} out.")


def _where(arguments: argparse.Namespace) -> "Where":  # type: ignore[name-defined] # noqa: F821
    """Return on what the training is to run.

    Raises:
        UsageError: No such hardware, number or price.
    """
    from tutelage.run.elsewhere import Where

    try:
        devices = int(arguments.devices[:MOST_DIGITS])
    except ValueError:
        devices = 0
    if devices < 1:
        raise UsageError(f"--devices {arguments.devices[:MOST_DIGITS]!r}: expected a whole number >= 1. Give one such as 8.")
    price = None if arguments.price is None else _price(arguments.price)
    return Where(arguments.hardware, devices, price)


def _price(text: str) -> float:
    """Read a price, which may be 0; how high it may be is checked with the rest."""
    with suppress(ValueError):
        value = float(text)
        if 0 <= value < float("inf"):
            return value
    raise UsageError(f"--price {text[:MOST_DIGITS]!r}: expected a number >= 0. Give one such as 2.5, of one device and hour.")


def _textbook(arguments: argparse.Namespace, given: list[str]) -> int:
    """Say what the textbook rule says of three numbers.

    Raises:
        UsageError: One of them is missing, or no number > 0.
    """
    named = ["SOURCE"] if arguments.source else []
    elsewhere = [f"--{key}" for key in ("hardware", "price") if getattr(arguments, key)]
    elsewhere += ["--devices"] if arguments.devices != "1" else []
    _refuse([*named, *elsewhere, *wishes_said(arguments)], because="the textbook rule takes its three numbers and nothing else")
    missing = [f"--{key.replace('_', '-')}" for key in TEXTBOOK if key not in given]
    if missing:
        raise UsageError(f"{' and '.join(missing)}: the textbook rule needs all three numbers. Or name data: a SOURCE.")
    work, times, speed = (_number(key, getattr(arguments, key)) for key in TEXTBOOK)
    if times != int(times):
        raise UsageError(f"--iterations {arguments.iterations!r}: expected a whole number. Give one such as 1e5.")
    seconds = ideal_seconds(flops_per_iteration=work, iterations=times, flops_per_second=speed)
    if arguments.json:
        say_json({**dict.fromkeys(UNKNOWN), "ideal_seconds": seconds, "seconds": seconds, "flops": work * times})
    else:
        say(f"{'ideal':<{WIDTH}}{seconds:g} s (FLOPs of an iteration x iterations / FLOP/s; real runs take longer)")
    return 0


def _number(key: str, text: str, *, example: str = "1e12") -> float:
    """Read a number of more than 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise UsageError(f"--{key.replace('_', '-')} {text!r}: expected a number > 0. Give one such as {example}.")
    return value


def _tell(found: "Estimate", where: "Where") -> None:  # type: ignore[name-defined] # noqa: F821
    """Write what was found, a line for each fact."""
    time = found.time
    if where.hardware or where.devices > 1:
        how = "by its data sheet and what was tried here" if where.hardware else "by what was tried on one"
        _line("on", f"{found.devices} x {found.hardware}, {how}")
    between = " to ".join(map(say_seconds, time.interval_80))
    half = " to ".join(map(say_seconds, time.interval_50))
    _line("time", f"{say_seconds(time.seconds)} (80 %: {between}; 50 %: {half})")
    if found.budget_seconds:
        _line("buys", f"{found.steps:,} steps" + (f", {found.epochs:.1f} epochs" if found.epochs else ""))
    else:
        _line("steps", f"{found.steps:,}" + (f", {found.epochs:.1f} epochs" if found.epochs else ""))
    if found.endings is not None:
        _line("ends", found.endings.say())
    if found.ideal_seconds is not None:
        rate = "the data sheet's" if where.hardware else "measured"
        _line("ideal", f"{_briefly(found.ideal_seconds)} (FLOPs / {rate} FLOP/s); {_causes(found)}")
    whole = sum(time.parts.values()) or 1.0
    largest = sorted(time.parts.items(), key=lambda part: -part[1])[:MOST_PARTS]
    _line("of which", ", ".join(f"{name} {say_seconds(seconds)} ({seconds / whole:.0%})" for name, seconds in largest))
    if many := found.details.get("devices"):
        said = f"gradients {_briefly(many['exchange_seconds'])} a step, {_briefly(many['exposed_seconds'])} beyond computing"
        lost = f"the slowest of them +{many['slowest'] - 1:.0%}, failures and checkpoints {1 - many['goodput']:.2%}"
        _line("devices", f"{found.devices} at {many['efficiency']:.0%} of their speed alone: {said}; {lost}")
    _line("unsure by", ", ".join(f"{name} ({share:.0%})" for name, share in time.contributors[:2]))
    if found.energy_joules is not None:
        low, high = (joules / 3.6e6 for joules in found.energy_joules)
        _line("energy", f"{low:.3g} to {high:.3g} kWh at the wall (80 %), by the rated power of {found.hardware}")
    if found.cost is not None:
        _line("cost", f"{found.cost:.4g} in the currency of the price, {found.devices} x {found.hardware}")
    if found.memory_bytes is not None:
        batches = _batches(found)
        fits = "fits" if found.fits else "does not fit as a whole"
        _line("memory", f"{found.memory_bytes / 2**30:.2f} GiB: {fits}{batches}")
    if found.shorter:
        best = found.shorter[0]
        _line("shorter", f"{best.what}: about {say_seconds(best.seconds)} less")
    _line("asking took", say_seconds(found.seconds_spent))


def _batches(found: "Estimate") -> str:  # type: ignore[name-defined] # noqa: F821
    """Say which batches would fit."""
    if not found.largest_batch:
        return ""
    if 0 < found.plan.num_train <= found.largest_batch:
        return f"; all {found.plan.num_train:,} rows as one batch would"
    return f"; batches of up to {found.largest_batch:,} would"


def _causes(found: "Estimate") -> str:  # type: ignore[name-defined] # noqa: F821
    """Say what the rest of the time goes to."""
    factor = found.seconds / max(found.ideal_seconds, 1e-9)
    times = f"{factor:.1f}" if factor < EXACTLY else f"{float(f'{factor:.1e}'):,.0f}"
    return f"{times}x of that, by " + ", ".join(f"{name} {share:.0%}" for name, share in list(found.causes.items())[:2])


def _briefly(seconds: float) -> str:
    """Write seconds, also such as are far below one."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= 0.1 * size:
            return say_seconds(seconds) if unit == "s" else f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def _line(name: str, text: str) -> None:
    """Write one line in columns."""
    say(f"{name:<{WIDTH}}{text}")
