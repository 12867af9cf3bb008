"""The stages of an explanation before anything is learned from the row: how it was read and prepared, and the network."""

from typing import Any

import torch
from torch import Tensor

from tutelage.run.followed_row import FollowedRow, norm
from tutelage.run.lesson import Block, Facts, Picture, Quote, Remark, Stage, Table, say
from tutelage.training.layers import kind_of_layer

__all__ = ["architecture", "data", "initialization", "preprocessing"]


def data(row: FollowedRow) -> Stage:
    """Show the row as it was read."""
    example = row.example
    facts = [("where", example.where), (example.unit, f"{row.number:,} of {row.part}")]
    blocks: list[Block] = []
    floor = row.floor_share
    shown: dict[str, Any] = {key: value for key, value in example.shown.items() if key != "png"}
    if "png" in example.shown:
        blocks.append(Picture(str(example.shown["png"]), "the row as a picture"))
    if "text" in shown:
        blocks.append(Quote(str(shown["text"])))
    if "row" in shown:
        cells = [(str(name), "(missing)" if value is None else str(value)) for name, value in shown["row"].items()]
        blocks.append(Table("Its cells", ("column", "value"), cells))
    if example.unit != "place":
        facts.append(("to be answered", example.target))
    return Stage(
        "data",
        "The data: one row as it was read",
        "A network learns from examples. This is one of them, together with the answer that it should give.",
        [*_not_alone(row), Facts(facts), *blocks],
        {"where": example.where, "target": example.target, "shown": shown, "floor_share": floor},
    )


def _not_alone(row: FollowedRow) -> list[Block]:
    """Say first that the network's answers are not, or not alone, what leaves."""
    share, predictor = row.floor_share, row.predictor
    if not share or predictor is None or predictor.companion is None:
        return []
    floor = predictor.companion.floor
    named = f"{getattr(floor, 'kind', '')}: {floor.noun}"
    whose = (
        f"come from the floor alone ({named}), not from the network"
        if share == 1
        else f"are the mean of the network's and the floor's ({named}), which counts {100 * share:.0f} %"
    )
    text = f"The answers that leave this run {whose}, as the validation rows decided. What follows is the network's own way"
    return [Remark(f"{text}; the stage of the loss has the answers of both.", "warning")]


def preprocessing(row: FollowedRow) -> Stage:
    """Show what became of each piece, and what the network receives."""
    example = row.example
    blocks: list[Block] = []
    if example.changes:
        cells = [(change.name, change.before, change.after, change.how) for change in example.changes]
        blocks.append(Table("What becomes of it", ("what", "before", "after", "how"), cells))
    tensors = {name: example.batch[name] for name in example.inputs if name in example.batch}
    received = [(name, *_described(tensor)) for name, tensor in tensors.items()]
    blocks.append(Table("What the network receives", ("name", "shape", "from", "to", "begins"), received, numeric=(2, 3)))
    blocks.append(Facts([("the answer, for the loss", example.wanted)]))
    kind = getattr(row.plan.augment, "kind", "none")
    if kind != "none":
        blocks.append(Remark(f"In training the row is changed at random each time it comes ({kind}); here it is as it was read."))
    blocks += [Remark(text) for text in example.notes]
    return Stage(
        "preprocessing",
        "Preprocessing: from the row to numbers",
        "A network computes with numbers of about the same size, so each piece of the row becomes such numbers. The rules were "
        "learned from the train rows alone, so that nothing is known of the others.",
        blocks,
        {
            "changes": [
                {"name": change.name, "before": change.before, "after": change.after, "how": change.how}
                for change in example.changes
            ],
            "inputs": {
                name: {"shape": list(tensor.shape[1:]), "first": tensor[0].flatten()[:20].tolist()}
                for name, tensor in tensors.items()
            },
            "wanted": example.wanted,
        },
    )


def architecture(row: FollowedRow) -> Stage:
    """Show the layers, and what each is for."""
    cells, records = [], []
    seen: set[str] = set()
    for call in row.layers:
        if call.name in seen:
            continue
        seen.add(call.name)
        kind, said = kind_of_layer(call.module)
        count = sum(parameter.numel() for parameter in call.module.parameters())
        cells.append((call.name or "(network)", kind, say(count) if count else "", said))
        records.append({"name": call.name, "kind": kind, "parameters": count})
    model = getattr(row.plan.model, "kind", "") or row.plan.own_model
    reason = next((decision.reason for decision in row.plan.decisions if decision.key == "model"), "")
    total = sum(weights.numel() for weights in row.followed.weights_before.values())
    facts = [("model", f"{model}: {reason}" if reason else model), ("numbers that learn", say(total))]
    blocks: list[Block] = [Facts(facts), Table("Its layers", ("layer", "kind", "numbers", "what it does"), cells, numeric=(2,))]
    if row.num_modules > len(row.layers):
        blocks.append(Remark(f"{row.num_modules:,} layers are told as {len(row.layers):,} blocks of them."))
    return Stage(
        "architecture",
        "The architecture: what the network is made of",
        "A network is a chain of layers. Each takes the numbers of the layer before and turns them into new ones, by weights: "
        "numbers that are learned.",
        blocks,
        {"model": model, "parameters": total, "layers": records},
    )


def initialization(row: FollowedRow) -> Stage:
    """Compare the weights of the start with those of now."""
    cells, records = [], []
    now = row.followed.weights_before
    for layer, keys in row.parameters.items():
        begun, known = _spread([row.start[key] for key in keys]), _spread([now[key] for key in keys])
        length = norm(row.start[key] for key in keys)
        moved = norm(now[key] - row.start[key] for key in keys)
        ratio = moved / length if length else None
        count = sum(now[key].numel() for key in keys)
        cells.append(
            (row.label(layer), say(count), say(begun), say(known), "from 0" if ratio is None else f"{100 * ratio:.3g} %")
        )
        records.append({"name": layer, "numbers": count, "std_start": begun, "std_now": known, "moved": ratio})
    init = getattr(row.plan.init, "kind", "")
    how = f"by the rule {init!r}" if init else "by the rules of the architecture itself"
    is_own = bool(row.plan.own_model)
    said = "as the module had them that was passed" if is_own else f"drawn {how} from the seed {row.plan.seed}"
    moment = row.moment
    blocks: list[Block] = [
        Facts(
            [
                ("at the start", said),
                ("now", "the same: nothing was learned yet" if moment.is_start else f"after {moment.step:,} steps"),
            ]
        ),
        Table("Spread of the weights", ("layer", "numbers", "std at start", "std now", "moved by"), cells, numeric=(1, 2, 3, 4)),
    ]
    return Stage(
        "initialization",
        "Initialization: where the weights began",
        "Before the first step the weights are random, of a size at which signals neither die out nor grow from layer to layer. "
        "Everything else they have learned; how far each layer has moved since shows how much.",
        blocks,
        {"init": init, "seed": row.plan.seed, "layers": records},
    )


def _described(tensor: Tensor) -> tuple[str, str, str, str]:
    """Return shape, range and first numbers of a tensor, without the row's own dimension."""
    numbers = tensor[0].flatten()
    shape = "x".join(map(str, tensor.shape[1:])) or "1"
    if not numbers.numel():
        return shape, "-", "-", ""
    first = " ".join(say(value) for value in numbers[:6].tolist())
    return shape, say(numbers.min().item()), say(numbers.max().item()), first


def _spread(weights: list[Tensor]) -> float:
    """Return the standard deviation of some weights; vectors, such as biases, count only where there is nothing else."""
    matrices = [weight for weight in weights if weight.dim() > 1] or weights
    return float(torch.cat([weight.float().flatten() for weight in matrices]).std(correction=0))
