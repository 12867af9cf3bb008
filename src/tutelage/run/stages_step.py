"""The stages of an explanation that are one training step: forward pass, loss, backpropagation, optimizer, and how often."""

import math
from typing import Any

import numpy as np
import torch

from tutelage.data.target.base import Target
from tutelage.optim.moved import Moved
from tutelage.predictor.predictor import Predictor
from tutelage.run.followed_row import FollowedRow, norm
from tutelage.run.lesson import Block, Facts, Formula, Remark, Spread, Stage, Table, say
from tutelage.training.layers import dropout_rate

__all__ = ["backpropagation", "epochs", "forward", "loss", "optimizer"]

VANISHING, EXPLODING = 1e-3, 1e3
"""Gradient by the first layer's outputs over that by the last one's, from which on it is called so."""
NUM_WEIGHTS = 5
"""Weights whose update is told one by one."""


def forward(row: FollowedRow) -> Stage:
    """Show what each layer gave."""
    cells, records = [], []
    for call in row.layers:
        shapes = f"{_shape(call.input_shape)} -> {_shape(call.output_shape)}"
        numbers = [say(value) for value in (call.mean, call.std, call.low, call.high)]
        first = " ".join(say(value) for value in call.first)
        cells.append((row.label(call.name), shapes, *numbers, f"{100 * call.zeros:.0f} %", first))
        records.append(
            {
                "name": call.name,
                "input_shape": list(call.input_shape),
                "output_shape": list(call.output_shape),
                "mean": call.mean,
                "std": call.std,
                "min": call.low,
                "max": call.high,
                "zeros": call.zeros,
                "first": call.first,
            }
        )
    headers = ("layer", "shape", "mean", "std", "min", "max", "zeros", "first numbers")
    spreads = [(row.label(call.name), call.values) for call in row.layers if len(call.values) > 1]
    return Stage(
        "forward",
        "The forward pass: through the layers, one after another",
        "The numbers go in at the front; each layer's output is the next one's input. Look for layers whose numbers are all "
        "zero, all alike or very large: nothing gets through there.",
        [
            Table("What each layer gives", headers, cells, numeric=(2, 3, 4, 5, 6)),
            Spread("What each layer gives, as histograms", spreads),
            *_switched_off(row),
        ],
        {"layers": records},
    )


def loss(row: FollowedRow) -> Stage:
    """Show answer and loss."""
    told, value = row.told, row.followed.loss_before
    blocks: list[Block] = [Table(told.title, told.headers, told.rows, numeric=tuple(range(1, len(told.headers))))]
    leaving = _leaving(row)
    blocks.append(Facts([("the network answers", told.answer), *leaving, ("loss of this row", say(value))]))
    name = getattr(getattr(row.plan.task, "loss", None), "kind", "cross-entropy of each next token")
    blocks += [Formula([f"loss ({name}):", *told.sums])] if told.sums else []
    return Stage(
        "loss",
        "The loss: how wrong the answer is",
        "The outputs become an answer, and the loss makes one number of how wrong it is: 0 would be perfect. Training does "
        "nothing but make this number small, on average over the train rows.",
        blocks,
        {
            "loss": value,
            "name": name,
            "answer": told.answer,
            "sums": list(told.sums),
            "leaves": leaving[-1][1] if leaving else None,
            **told.numbers,
        },
    )


def backpropagation(row: FollowedRow) -> Stage:
    """Show the gradient of each layer."""
    followed = row.followed
    by_output = {call.name: call.gradient for call in row.layers}
    cells, records, lengths = [], [], []
    for layer, keys in row.parameters.items():
        arrived = [followed.gradients[key] for key in keys if key in followed.gradients]
        gradient, weight = norm(arrived), norm(followed.weights_before[key] for key in keys)
        ratio = gradient / weight if weight else None
        out = by_output.get(layer)
        cells.append((row.label(layer), say(gradient), say(weight), say(ratio), say(out)))
        lengths.append(gradient)
        records.append({"name": layer, "gradient_norm": gradient, "weight_norm": weight, "output_gradient": out})
    total = norm(followed.gradients.values())
    facts = [("norm of the whole gradient", say(total))]
    if cells:
        largest = max(range(len(cells)), key=lengths.__getitem__)
        facts.append(("largest in", f"{cells[largest][0]} ({cells[largest][1]})"))
    if row.plan.clip:
        scale = min(1.0, row.plan.clip / total) if total else 1.0
        said = (
            f"cut to {row.plan.clip:g}: all of it times {scale:.4g}" if scale < 1 else f"{row.plan.clip:g} at most: left as it is"
        )
        facts.append(("clipping", said))
    headers = ("layer", "gradient norm", "weight norm", "ratio", "by its output")
    verdict, kind = _flow(row)
    return Stage(
        "backpropagation",
        "Backpropagation: how much each weight is to blame",
        "The loss is followed back through the layers by the chain rule. The gradient of a weight says how much the loss would "
        "grow if the weight grew a little; where it is near zero, nothing is learned from this row.",
        [
            Facts(facts),
            Table("The gradient by layer", headers, cells, numeric=(1, 2, 3, 4), bars=(1, lengths)),
            Remark(verdict, kind),
        ],
        {"gradient_norm": total, "layers": records, "flow": verdict},
    )


def optimizer(row: FollowedRow) -> Stage:
    """Show the update, and what it does to the loss."""
    followed, optim = row.followed, row.plan.optim
    moment, kind = row.moment, getattr(optim, "kind", "")
    rates = sorted({float(settings["lr"]) for settings in followed.settings.values()})
    factor = row.plan.schedule.factor(moment.progress) * moment.rate
    schedule = getattr(row.plan.schedule, "kind", "")
    facts = [
        ("rule", f"{kind}: {optim.rule}" if optim.rule else kind),
        ("learning rate", f"{', '.join(say(rate) for rate in rates)} ({schedule}: {100 * factor:.3g} % of its height)"),
        ("its memory", moment.moments),
    ]
    blocks: list[Block] = [Facts(facts)]
    numbers: dict[str, Any] = {"kind": kind, "rates": rates, "memory": moment.moments}
    if followed.refused or not followed.clipped:
        blocks.append(Remark("The update is not made: a number of the gradient is not finite.", "warning"))
    else:
        shown, records = _weights(row)
        blocks += shown
        blocks.append(_sizes(row))
        numbers["weights"] = records
    before, after = followed.loss_before, followed.loss_after
    told = [f"The loss of this row after this one update: {_moved(before, after)}"]
    if row.alone is not None:
        if after > before > row.alone.loss_after:
            told[0] += " The optimizer's memory of other rows weighs more than the gradient of this one."
        elif after > before:
            told[0] += f" The step is longer than this row asks for: it is meant for the mean of {row.plan.batch_size:,} rows."
        told.append(f"By the gradient of this row alone, with an empty memory: {_moved(before, row.alone.loss_after)}")
        numbers["loss_after_alone"] = row.alone.loss_after
    if row.at_height is not None:
        told.append(f"At the height of the schedule, with the same memory: {_moved(before, row.at_height.loss_after)}")
        numbers["loss_after_at_height"] = row.at_height.loss_after
    blocks += [Remark(text) for text in told]
    blocks.append(Remark("The update was made on a copy: the run's files are as they were."))
    return Stage(
        "optimizer",
        "The optimizer: one update of the weights",
        "Every weight is moved a little against its gradient. The optimizer says how far: by the learning rate, and by what it "
        "remembers of the gradients before.",
        blocks,
        numbers | {"loss_before": before, "loss_after": after},
    )


def epochs(row: FollowedRow) -> Stage:
    """Say how often this is done."""
    plan, moment = row.plan, row.moment
    facts = [
        ("rows in a step", f"{plan.batch_size:,}: the gradient is the mean of theirs"),
        ("train rows", f"{plan.num_train:,}"),
    ]
    if not moment.is_start:
        facts.append(("steps to these weights", f"{moment.step:,} of {moment.total_steps:,} planned"))
        facts.append(("epochs", f"{moment.epochs:.3g}: so often each train row has come"))
    facts.append(("judged by", f"{plan.watched} on the validation rows; the best weights leave"))
    numbers = {"batch_size": plan.batch_size, "step": moment.step, "total_steps": moment.total_steps, "epochs": moment.epochs}
    return Stage(
        "epochs",
        "Epochs: again and again",
        "One row moves the weights a little. A training step takes many rows at once, and an epoch is one pass over all of them; "
        "what helps many rows adds up, what only one row asks for cancels out.",
        [Facts(facts)],
        numbers,
    )


def _switched_off(row: FollowedRow) -> list[Block]:
    """Say which layers work otherwise in training."""
    kinds = sorted({type(module).__name__ for module in row.network.modules() if _is_other_in_training(module)})
    if not kinds:
        return []
    text = f"Layers that work otherwise in training ({', '.join(kinds)}) are in their state for answers here, so that a row alone"
    return [Remark(f"{text} gives the same numbers each time.")]


def _is_other_in_training(module: torch.nn.Module) -> bool:
    """Tell whether a layer draws at random, or looks at the other rows of a batch, in training."""
    name = type(module).__name__
    return "BatchNorm" in name or ("Dropout" in name and dropout_rate(module) > 0)


def _leaving(row: FollowedRow) -> list[tuple[str, str]]:
    """Say what leaves in place of the network's own answer, where that is another."""
    predictor = row.predictor
    if predictor is None or row.example.row is None:
        return []
    if predictor.target is None:
        return _leaving_forecast(row, predictor)
    said = []
    if predictor.calibrator is not None:
        said.append(f"calibrated ({getattr(predictor.calibrator, 'kind', '')})")
    if predictor.companion is not None:
        share, noun = predictor.companion.share, predictor.companion.floor.noun
        said.append(
            f"{noun} alone, in place of the network" if share == 1 else f"{100 * share:.0f} % {noun}, the rest the network"
        )
    if not said:
        return []
    answers = predictor.answers(row.example.row)
    leaves = [("the run's model answers", f"{_answer(predictor.target, answers)}: {'; '.join(said)}")]
    if predictor.companion is None or predictor.companion.share == 1:
        return leaves
    alone = predictor.companion.fitted.answers(row.example.row)
    return [("the floor alone answers", _answer(predictor.target, alone)), *leaves]


def _leaving_forecast(row: FollowedRow, predictor: Predictor) -> list[tuple[str, str]]:
    """Say what leaves in place of what the network alone would forecast."""
    companion, say_answers, part = predictor.companion, row.example.say, row.example.row
    if companion is None or say_answers is None or part is None or row.followed.outputs is None:
        return []
    mixed = companion.mix(row.followed.outputs.detach().double().numpy(), part)
    noun = companion.floor.noun
    if companion.share == 1:
        return [("the run's model answers", f"{say_answers(mixed)}: {noun} alone, in place of the network")]
    said = [("the floor alone answers", say_answers(companion.fitted.answers(part)))]
    return [
        *said,
        ("the run's model answers", f"{say_answers(mixed)}: {100 * companion.share:.0f} % {noun}, the rest the network"),
    ]


def _answer(target: Target, answers: np.ndarray) -> str:
    """Write the answer for the one row that was asked about."""
    (label,) = target.labels(answers)
    return f"{label} with probability {float(answers[0].max()):.4f}" if target.classes else str(label)


def _flow(row: FollowedRow) -> tuple[str, str]:
    """Say whether the gradient reaches the first layers, and the kind of the remark."""
    found = [(call.name, call.gradient) for call in row.layers if call.gradient is not None]
    if not all(math.isfinite(value) for _, value in found):
        return "The gradient is not finite: numbers of the forward pass, or its own, were too large.", "warning"
    if row.followed.loss_before == 0 or not any(value for _, value in found):
        return "There is no gradient: from this row nothing is left to learn.", "note"
    (first, near), (last, far) = found[0], found[-1]
    ratio = near / far if far else float("inf")
    said = f"{row.label(first)} gets {say(ratio)} times the gradient of {row.label(last)}"
    if ratio < VANISHING:
        return f"The gradient vanishes on its way back: {said}, so the first layers hardly learn.", "warning"
    if ratio > EXPLODING:
        return f"The gradient explodes on its way back: {said}. Clip it, or take a smaller learning rate.", "warning"
    return f"The gradient reaches the first layers: {said}.", "note"


def _weights(row: FollowedRow) -> tuple[list[Block], list[dict[str, Any]]]:
    """Return the update of a few weights, and the sums of the first of them."""
    followed = row.followed
    # Of a bias there may be a single one.
    matrices = [name for name, gradient in followed.clipped.items() if gradient.dim() > 1] or list(followed.clipped)
    key = max(matrices, key=lambda name: float(followed.clipped[name].norm()))
    gradient = followed.clipped[key].flatten()
    chosen = gradient.abs().argsort(descending=True)[:NUM_WEIGHTS].tolist()
    moved = [_one(row, key, place) for place in chosen]
    kept = [name for name in moved[0].after if name != "step"]
    name, sizes = key.removeprefix(row.prefix), tuple(followed.weights_before[key].shape)
    cells = [
        (
            f"{name}[{', '.join(map(str, _index(place, sizes)))}]",
            f"{one.weight:.6g}",
            say(one.gradient),
            *(say(one.after[state]) for state in kept),
            say(one.update),
            f"{one.new_weight:.6g}",
        )
        for place, one in zip(chosen, moved, strict=True)
    ]
    title = f"The {len(chosen)} weights with the largest gradients, in the parameter whose gradient is the largest"
    headers = ("weight", "before", "gradient", *kept, "change", "after")
    blocks: list[Block] = [Table(title, headers, cells, numeric=tuple(range(1, len(headers))))]
    sums = row.plan.optim.worked(moved[0])
    if sums:
        blocks.append(Formula([f"{cells[0][0]}:", *sums]))
    records = [
        {"name": cell[0], "before": one.weight, "gradient": one.gradient, "kept": dict(one.after), "after": one.new_weight}
        for cell, one in zip(cells, moved, strict=True)
    ]
    return blocks, records


def _one(row: FollowedRow, key: str, place: int) -> Moved:
    """Return one weight, before and after."""
    followed = row.followed

    def of(state: dict[str, Any]) -> dict[str, float]:
        values = {name: value for name, value in state.items() if isinstance(value, torch.Tensor | int | float)}
        return {
            name: float(value) if not isinstance(value, torch.Tensor) or value.dim() == 0 else float(value.flatten()[place])
            for name, value in values.items()
            if not isinstance(value, torch.Tensor) or value.dim() == 0 or value.numel() == followed.weights_before[key].numel()
        }

    after, before = of(followed.moments_after[key]), of(followed.moments_before[key])
    return Moved(
        weight=float(followed.weights_before[key].flatten()[place]),
        gradient=float(followed.clipped[key].flatten()[place]),
        before=before,
        after=after,
        new_weight=float(followed.weights_after[key].flatten()[place]),
        settings=followed.settings[key],
    )


def _sizes(row: FollowedRow) -> Table:
    """Return how far each layer is moved, beside how long its weights are."""
    followed, cells, shares = row.followed, [], []
    for layer, keys in row.parameters.items():
        change = norm(followed.weights_after[key] - followed.weights_before[key] for key in keys)
        length = norm(followed.weights_before[key] for key in keys)
        shares.append(change / length if length else 0.0)
        cells.append((row.label(layer), say(change), say(length), f"{100 * shares[-1]:.3g} %" if length else "from 0"))
    headers = ("layer", "size of the change", "size of the weights", "share")
    return Table("The change by layer; a thousandth of the weights is usual", headers, cells, numeric=(1, 2, 3), bars=(3, shares))


def _moved(before: float, after: float) -> str:
    """Say where the loss has gone."""
    word = "fell" if after < before else "rose" if after > before else "stayed"
    return f"it {word} from {before:.6g} to {after:.6g}."


def _index(place: int, sizes: tuple[int, ...]) -> list[int]:
    """Return the index of a number in a tensor."""
    index: list[int] = []
    for size in reversed(sizes):
        index.append(place % size)
        place //= size
    return index[::-1]


def _shape(sizes: tuple[int, ...]) -> str:
    return "x".join(map(str, sizes)) or "1"
