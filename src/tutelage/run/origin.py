"""What a training starts from: a run's predictor or public weights, opened; what of it is kept, and the network that begins."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from tutelage.core.errors import RecipeError, RunError, UsageError
from tutelage.core.seeds import derive
from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import Grid, History, Tokens
from tutelage.core.spec import Component
from tutelage.data.prepare.base import Fitted
from tutelage.data.target.base import Target
from tutelage.defaults.started import treatment
from tutelage.model.arch.base import Model
from tutelage.model.named import Places, named_places
from tutelage.model.stored import hash_tensors
from tutelage.model.transfer import Transfer, match_weights
from tutelage.optim.roles import declare_roles, role_of
from tutelage.planning.facts import Facts, Known
from tutelage.planning.origin import OriginPlan, OriginWish
from tutelage.planning.plan import Decision, Plan
from tutelage.predictor.int8 import OnnxNetwork
from tutelage.run.beside import read_beside, told_of_beside
from tutelage.run.folder import run_folder
from tutelage.run.inherited import Inheritance, inherited
from tutelage.run.public_weights import find_public, read_public
from tutelage.run.run import Run
from tutelage.task.base import Data, Task, TaskSpec
from tutelage.task.rows import RowsData
from tutelage.training.state import seed_everything

__all__ = ["Begun", "Origin", "begun_network", "decide_origin", "full_path", "known_facts", "open_origin"]

MOST_NAMED = 3

KINDS_OF_ROWS = (Grid, History, Tokens)
"""What tells pictures, series and texts from each other, and from rows of cells or numbers."""


@dataclass(frozen=True)
class Origin:
    """What a training starts from.

    Attributes:
        name: For people.
        path: In full, so that it is found again from another folder.
        weights: Tensors by name, on the CPU.
        model: The architecture.
        prepare: The kind of its preprocessing; "" where it has none.
        fitted: That preprocessing.
        task: What it was trained for; None where that is not known. So with the next three.
        shape: What it takes.
        target: What its answers mean.
        num_outputs: How many numbers it returns; 0 where it has no head.
        beside: What learned beside the network, by its names in the training, such as a critic; {} where there is none.
        licence: What its author allows; "" where that is not known.
        is_public: Whether it was learned elsewhere.
        inheritance: How channels were left out for which the network that begins has no place; None where none were.
    """

    name: str
    path: str
    weights: Mapping[str, Tensor]
    model: Component
    prepare: str
    fitted: Fitted | None
    task: TaskSpec | None = None
    shape: Shape | None = None
    target: Target | None = None
    num_outputs: int = 0
    beside: Mapping[str, Tensor] = field(default_factory=dict)
    licence: str = ""
    is_public: bool = False
    inheritance: Inheritance | None = None

    @property
    def sha256(self) -> str:
        """SHA-256 over names and values of the weights."""
        return hash_tensors({**self.weights, **{f"beside/{name}": value for name, value in self.beside.items()}})

    @property
    def known(self) -> Known:
        """What decisions depend on."""
        return Known(self.name, self.model, self.is_public, self.task, self.shape)


def open_origin(path: str) -> Origin:
    """Open what a training is to start from.

    Raises:
        RunError: It is neither a run with weights nor a folder with public ones.
    """
    found = find_public(path)
    if found is not None:
        public = read_public(path, found)
        return Origin(
            name=path,
            path=full_path(path),
            weights=public.weights,
            model=public.model,
            prepare=public.prepare,
            fitted=public.fitted,
            licence=public.licence,
            is_public=True,
        )
    run = Run.open(run_folder(path))
    if run.decided.own_model:
        found_own = f"{path}: this run trained your own module {run.decided.own_model!r}, which is not stored as code"
        raise RunError(f"{found_own}. Load its weights into your module, and pass that: tutelage.train(..., model=module).")
    predictor = run.predictor
    if isinstance(predictor.network, OnnxNetwork):
        before = ", ".join(map(str, predictor.facts.get("runs", ()))) or "the run that it was made of"
        raise RunError(
            f"{path}: this run was made smaller (tutelage quantize, tutelage prune): its network is computed by ONNX Runtime, "
            f"which cannot train it. Start from the run that it was made of: --from {before}."
        )
    return Origin(
        name=path,
        path=full_path(path),
        weights={name: value.detach().cpu().contiguous() for name, value in predictor.network.state_dict().items()},
        model=predictor.model,
        prepare=predictor.prepare,
        fitted=predictor.fitted,
        task=predictor.task,
        shape=predictor.shape,
        target=predictor.target,
        num_outputs=predictor.num_outputs,
        beside=read_beside(run.path, predictor.task.beside),
    )


def full_path(path: str) -> str:
    """Write a folder's path in full; other names stay what they are."""
    return str(Path(path).resolve()) if path and Path(path).is_dir() else path


def known_facts(facts: Facts, origin: Origin | None, *, task: TaskSpec) -> Facts:
    """Return the facts with what is known beforehand.

    Raises:
        RecipeError: The task cannot start from anything, or not from what another task has learned.
    """
    if origin is None:
        return facts
    kind, where = getattr(task, "kind", ""), f"recipe: start_from = {origin.name}"
    if task.starts == "never":
        raise RecipeError(f"{where}: task {kind!r} begins from nothing. Leave start_from out.")
    before = origin.task
    if before is None:
        if not task.needs_labels:
            found = f"public weights are encoders of pictures or texts, and task {kind!r} learns another kind of network"
            raise RecipeError(f"{where}: {found}. Give a run of such a task, or leave start_from out.")
    elif task.answers != before.answers and not (task.needs_labels and before.needs_labels):
        found = f"a run of task {getattr(before, 'kind', '')!r}, whose network takes and gives something else than task {kind!r}"
        raise RecipeError(f"{where}: {found}. Give a run that also learned {task.answers}, or leave start_from out.")
    if isinstance(origin.model, Model) and not origin.model.takes(facts.shape):
        learned = "other data" if origin.shape is None else origin.shape.say()
        raise RecipeError(
            f"{where}: it has learned from {learned}, and the data are {facts.shape.say()}. Give a run of such data, or leave "
            "start_from out."
        )
    return replace(facts, known=origin.known)


def decide_origin(wish: OriginWish, plan: Plan, origin: Origin, *, data: Data, facts: Facts) -> Plan:
    """Return the plan with what it starts from, and how that is treated.

    Raises:
        RecipeError: None of its weights fits.
    """
    scale: Literal["kept", "anew"] = "anew" if wish.prepare == "refit" and plan.task.scales else "kept"
    with torch.device("meta"):
        network = _network(plan)
    _require_alike(plan, origin)
    known, origin = origin, _fitting(origin, network, plan)
    with torch.device("meta"):
        transfer = _transfer(plan, origin, data, network, scale=scale)
    parameters = dict(network.named_parameters())
    if not transfer.whole or not set(parameters) - set(transfer.fresh):
        wanted = getattr(plan.model, "kind", "")
        raise RecipeError(
            f"recipe: start_from = {origin.name}: none of its weights fits model = {wanted!r}. Leave model and prepare out: then "
            f"its architecture, {getattr(origin.model, 'kind', '')!r}, is taken."
        )
    usual = treatment(facts, starts=plan.task.starts)
    factor = usual.factor if wish.factor == "auto" else wish.factor
    deepest = min(usual.deepest, factor) if wish.deepest == "auto" else wish.deepest
    head = usual.head if wish.head == "auto" else wish.head
    if head and plan.task.starts == "at once":
        found = f"task {getattr(plan.task, 'kind', '')!r} trains several networks that answer each other, and all learn at once"
        raise RecipeError(f"recipe: start_from.head = {head:g}: {found}. Leave it out.")
    decided = OriginPlan(
        path=origin.path,
        sha256=known.sha256,
        licence=origin.licence,
        fresh=transfer.fresh,
        head=head if transfer.fresh else 0.0,
        factor=factor,
        deepest=deepest,
        beside=_beside(plan, origin),
        scale=scale,
    )
    told = _told(decided, origin, transfer, parameters, wish, fitted=_is_read_alike(plan, origin, data))
    return plan.but(origin=decided, decisions=(*told, *plan.decisions))


def _require_alike(plan: Plan, origin: Origin) -> None:
    """Refuse a run that takes something else: that some of its weights have a place by their sizes would be chance.

    Raises:
        RecipeError: One takes pictures, texts or series, the other does not.
    """
    if origin.shape is None or plan.shape is None:
        return
    if any((origin.shape.view(view) is None) != (plan.shape.view(view) is None) for view in KINDS_OF_ROWS):
        raise RecipeError(
            f"recipe: start_from = {origin.name}: that run takes {origin.shape.say()}, and these data are {plan.shape.say()}. "
            "Name a run of such data, or leave start_from out."
        )


def _told(
    decided: OriginPlan,
    origin: Origin,
    transfer: Transfer,
    parameters: Mapping[str, nn.Parameter],
    wish: OriginWish,
    *,
    fitted: bool,
) -> tuple[Decision, ...]:
    """Say what is taken over, what begins anew, and how each learns."""
    total = sum(parameter.numel() for parameter in parameters.values())
    fresh = sum(parameters[name].numel() for name in transfer.fresh)
    licence = f"; licence of these weights: {origin.licence or 'not stated'}" if origin.is_public else ""
    of = ""
    if origin.inheritance is not None:
        also = ", and what reads them is fitted to what it gave before" if fitted else ""
        of = f"; of each layer that is narrower now, the channels with the largest weights{also}"
    told = [
        Decision(
            key="start_from",
            value=f"{origin.name} (SHA-256 {decided.sha256[:12]})",
            reason=f"{total - fresh:,} of {total:,} weights fit by name and shape{of}{licence}",
        )
    ]
    if transfer.fresh:
        partly = len([name for name in transfer.fresh if name in transfer.parts])
        rows = f"; in {partly} of these, what has the same name as before is kept" if partly else ""
        told.append(Decision(key="start_from.fresh", value=_listed(transfer.fresh), reason=f"new, or of another meaning{rows}"))
    if transfer.left:
        told.append(Decision(key="start_from.left", value=_listed(transfer.left), reason="has no place in the new network"))
    if origin.task is not None and origin.task.beside:
        told.append(told_of_beside(origin.beside, origin.task.beside, is_kept=bool(decided.beside)))
    if decided.scale == "anew":
        told.append(Decision(key="start_from.prepare", value="the scale of what is seen begins anew", reason="as you asked"))
    if decided.head:
        why = "as you asked" if wish.head != "auto" else "else its first gradients would spoil what is known"
        told.append(Decision(key="start_from.head", value=f"alone in the first {100 * decided.head:g} % of steps", reason=why))
    why = "as you asked" if wish.factor != "auto" else "what was learned before moves slowly, the more so next to the data"
    rates = f"{decided.factor:g} next to the head, {decided.deepest:g} next to the data"
    told.append(Decision(key="start_from.factor", value=f"{rates}, of the learning rate", reason=why))
    return tuple(told)


def _listed(names: tuple[str, ...]) -> str:
    """Name some tensors, and say how many more there are."""
    rest = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {rest:,} more" if rest > 0 else "")


def _beside(plan: Plan, origin: Origin) -> tuple[str, ...]:
    """Return the names of what learned beside the network and goes on doing so: all, or nothing."""
    now = (plan.model, plan.shape, plan.num_outputs)
    is_same = (
        origin.task is not None and plan.task.goes_on(origin.task) and now == (origin.model, origin.shape, origin.num_outputs)
    )
    return tuple(origin.beside) if is_same else ()


@dataclass(frozen=True)
class Begun:
    """What a training begins with.

    Attributes:
        network: With the weights that were taken over, on the CPU.
        beside: What learned beside it and is taken over, by its names in the training.
    """

    network: nn.Module
    beside: Mapping[str, Tensor] = field(default_factory=dict)

    @torch.no_grad()
    def settle(self, task: Task) -> None:
        """Put what learned beside the network into a task that was built around it, in place."""
        state = task.state_dict()
        for name, value in self.beside.items():
            state[name].copy_(value)


def begun_network(plan: Plan, data: Data, *, is_resumed: bool = False) -> Begun | None:
    """Build the network of a plan that starts from what is known, with the weights it begins with.

    Args:
        plan: Everything decided.
        data: Prepared data.
        is_resumed: Whether a checkpoint brings the weights: then None is returned where what it started from is gone, and nothing
            else needs it.

    Raises:
        RunError: What it starts from is gone, or is no longer the same.
    """
    assert plan.origin is not None
    try:
        return _begun(plan, plan.origin, data)
    except (RunError, UsageError) as error:
        if is_resumed and plan.floor is not None and plan.floor.needs_lens:
            kind = getattr(plan.floor, "kind", "")
            raise RunError(f"{error} The floor beside the network ({kind}) looks through that of before.") from error
        # How far weights have moved is then counted from others; nothing else of the training depends on that.
        if is_resumed:
            return None
        raise


def _begun(plan: Plan, known: OriginPlan, data: Data) -> Begun:
    """Do what `begun_network` says where what it starts from has to be there."""
    try:
        origin = open_origin(known.path)
    except RunError as error:
        raise RunError(f"{error} This run starts from there: bring it back to that path, or train anew.") from error
    if origin.sha256 != known.sha256:
        raise RunError(
            f"{known.path}: holds other weights (SHA-256 {origin.sha256[:12]}) than those that this run starts from "
            f"({known.sha256[:12]}). Bring these back, or train anew."
        )
    seed_everything(derive(plan.seed, "model"))
    network = _network(plan)
    plan.task.initialize(network, plan)
    origin = _fitting(origin, network, plan)
    _transfer(plan, origin, data, network, scale=known.scale).apply(network, origin.weights)
    if origin.inheritance is not None and _is_read_alike(plan, origin, data):
        assert isinstance(data, RowsData)
        assert plan.shape is not None
        finisher = plan.task.finisher(data.fitted)
        origin.inheritance.settle(network, data.train.rows, finisher, names=tuple(plan.shape.tensors))
    return Begun(network, {name: origin.beside[name] for name in known.beside})


def _network(plan: Plan) -> nn.Module:
    """Build a plan's network on the default device."""
    assert plan.shape is not None
    task: TaskSpec = plan.task
    return task.make_network(plan.model, plan.shape, plan.num_outputs)


def _fitting(origin: Origin, network: nn.Module, plan: Plan) -> Origin:
    """Return what a training starts from, without the channels for which its network has no place."""
    task, shape = origin.task, origin.shape
    if task is None or shape is None or type(plan.model) is not type(origin.model):
        return origin
    made = inherited(origin.weights, network, task=task, model=origin.model, shape=shape, num_outputs=origin.num_outputs)
    return origin if made.narrow is None else replace(origin, weights=made.weights, inheritance=made)


def _is_read_alike(plan: Plan, origin: Origin, data: Data) -> bool:
    """Tell whether the network that was trained takes the rows of this training too."""
    return isinstance(data, RowsData) and origin.shape == plan.shape


def _transfer(plan: Plan, origin: Origin, data: Data, network: nn.Module, *, scale: Literal["kept", "anew"] = "kept") -> Transfer:
    """Find out what the network can take."""
    old = network
    if origin.task is not None and origin.shape is not None:
        with torch.device("meta"):
            model = plan.model if origin.inheritance is not None else origin.model
            old = origin.task.make_network(model, origin.shape, origin.num_outputs)
    then = () if origin.task is None else origin.task.output_names(origin.target, origin.num_outputs)
    before = _named(old, origin.fitted, then)
    now = _named(network, data.fitted, plan.task.output_names(data.target, plan.num_outputs))
    left_out = plan.task.scales if scale == "anew" else ()
    weights = {name: value for name, value in origin.weights.items() if not (left_out and name.startswith(left_out))}
    return match_weights(weights, network, named_before=before, named_now=now)


def _named(network: nn.Module, fitted: Fitted | None, outputs: tuple[str, ...]) -> dict[str, Places]:
    """Name what the places of a network's parameters stand for."""
    declare_roles(network)
    roles = {name: role_of(parameter) for name, parameter in network.named_parameters()}
    entries = fitted.entries() if fitted is not None else {}
    return named_places(network, roles=roles, entries=entries, outputs=outputs or entries.get("token", ()))
