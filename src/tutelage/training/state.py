"""Everything that survives a step, in one place, with a digest over all of it.

Two runs are equal when their digests are. Wall-clock facts (`outside`) are saved too but stay out of the digest.
"""

import hashlib
import json
import random
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor
from torch.optim import Optimizer

from tutelage.core.border import parse_json
from tutelage.core.clock import Clock
from tutelage.core.errors import RecipeError, RunError
from tutelage.core.typed import Size, take
from tutelage.model.stored import hash_tensors
from tutelage.task.base import Stream, Task
from tutelage.training.control import Control, control_from
from tutelage.training.ledger import Ledger
from tutelage.training.mesh import Mesh
from tutelage.training.refusals import Refusals
from tutelage.training.step import Step

__all__ = ["Snapshot", "TrainState", "copy_weights", "digest", "seed_everything"]


UNFIT = "the checkpoint does not fit the training that the run's plan describes"
REMEDY = "Were files of two runs mixed? Bring the run's own back, or train anew."
COUNTS = ("step", "mu_product")
"""What torch's optimizers call the numbers that they keep on the CPU, unless a kernel of the device reads them."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A state at rest: tensors by name, and JSON values."""

    tensors: dict[str, Tensor]
    values: dict[str, Any]

    @property
    def step(self) -> int:
        """Steps done."""
        return int(self.values["clock"][0])


@dataclass(slots=True)
class TrainState:
    """The moving parts of a run.

    Attributes:
        task: Parameters and buffers, moving averages and target networks included.
        step: Holds the optimizers.
        stream: Position in the data, or environments and their unfinished rollouts.
        clock: Steps and samples done.
        control: Best score, patience, planned end, stop reason.
        ledger: Sums of the training loss since the last log line.
        best: The weights of the best evaluation, by name; empty before the first. Replaced as a whole, never written into.
        good: The last weights known to be good, from which training goes on where it diverges: those of the last evaluation that
            was in order, at first those of the beginning. The same object as `best` where these are the best; else they are one
            more copy of the weights in memory and in each checkpoint.
        refusals: Steps whose update was refused.
        outside: Facts of the outer world, such as seconds used; saved, but not part of the digest.
    """

    task: Task
    step: Step
    stream: Stream
    control: Control
    clock: Clock = field(default_factory=Clock)
    ledger: Ledger = field(default_factory=Ledger)
    best: dict[str, Tensor] = field(default_factory=dict)
    good: dict[str, Tensor] = field(default_factory=dict)
    refusals: Refusals = field(default_factory=Refusals)
    outside: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin with the weights that there are as the good ones."""
        self.good = self.good or copy_weights(self.task.state_dict())

    @property
    def mesh(self) -> Mesh:
        """The processes that train together."""
        return self.step.mesh

    def snapshot(self) -> Snapshot:
        """Copy everything, once, so that training may go on while the copy is written by another thread.

        Of several processes all ask at the same step; each gets what only the others hold, under their numbers.

        Raises:
            OutOfMemoryError: There is no memory for the copy, in whichever process.
        """
        tensors: dict[str, Tensor] = {f"task/{key}": value for key, value in self.task.state_dict().items()}
        values: dict[str, Any] = {}
        for name, update in self.step.updates.items():
            for key, parameter in update.named:
                _collect(f"optim/{name}/{key}", dict(update.optimizer.state[parameter]), tensors, values)
        own_tensors, own_values = self._own()
        tensors |= own_tensors | {f"refusals/{key}": value for key, value in self.refusals.state().items()}
        values |= own_values
        values |= {"clock": [self.clock.step, self.clock.samples], "control": self.control.state(), "outside": dict(self.outside)}
        values["num_micro"] = self.step.num_micro
        # A phase that rests in the next steps goes on telling the rate of its last.
        values["rates"] = {name: update.factor for name, update in self.step.updates.items()}
        copies = self.mesh.together(lambda: self._copies(tensors), doing="copying the state of training for a checkpoint")
        if self.mesh.world > 1:
            _add_others(self.mesh, own_tensors, own_values, copies, values)
        # A stream may go on writing into the lists that it has told.
        return Snapshot(copies, deepcopy(values))

    def _copies(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return copies on the CPU, and the kept weights beside them."""
        copies = {key: _copied(value) for key, value in tensors.items()}
        # Nobody writes into the best weights: those that already lie on the CPU need no copy.
        for name, weights in self._kept_weights().items():
            copies |= {f"{name}/{key}": value.detach().to("cpu").contiguous() for key, value in weights.items()}
        return copies

    def restore(self, snapshot: Snapshot) -> None:
        """Put everything back as `snapshot` found it.

        Raises:
            RunError: It is not of a training like this one.
        """
        try:
            self._restore(snapshot)
        except (RunError, RecipeError) as error:
            raise RunError(f"{UNFIT}: {error}. {REMEDY}") from error
        except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
            # A border: what is put back was whole, and may still come from another plan, version or hand.
            raise RunError(f"{UNFIT} ({type(error).__name__}: {str(error)[:300]}). {REMEDY}") from error

    def _restore(self, snapshot: Snapshot) -> None:
        """Do what `restore` says."""
        mine = f"process{self.mesh.rank}"
        tensors = snapshot.tensors | _below(mine, snapshot.tensors)
        values = snapshot.values | _below(mine, snapshot.values)
        self.task.load_state_dict(_below("task", tensors))
        for name, update in self.step.updates.items():
            update.begin_anew()
            update.set_factor(float(values["rates"][name]))
            for key, parameter in update.named:
                state = _below(f"optim/{name}/{key}", tensors) | _below(f"optim/{name}/{key}", values)
                counts = parameter.device if _counts_on_device(update.optimizer, parameter) else torch.device("cpu")
                update.optimizer.state[parameter] = {
                    part: _placed(value, parameter, counts if part in COUNTS else parameter.device)
                    for part, value in state.items()
                }
            if not any(update.optimizer.state[parameter] for _, parameter in update.named):
                update.optimizer.state.clear()
        self.stream.restore(_below("stream", tensors) | _below("stream", values))
        self.ledger.restore({key: value.to(self.step.options.device) for key, value in _below("ledger", tensors).items()})
        self.best = {key: value.clone() for key, value in _below("best", tensors).items()}
        self.good = {key: value.clone() for key, value in _below("good", tensors).items()} or self.best
        self.refusals.restore(_below("refusals", tensors))
        self.step.num_micro = take(values, "num_micro", Size)
        self.clock.step, self.clock.samples = map(int, values["clock"])
        self.control = control_from(values["control"])
        self.outside = dict(values["outside"])
        _restore_random_state(_below("rng", tensors) | _below("rng", values), self.step.options.device)

    def _kept_weights(self) -> dict[str, dict[str, Tensor]]:
        """Return the best and the good weights; once where they are the same."""
        return {"best": self.best} | ({} if self.good is self.best else {"good": self.good})

    def _own(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return what no other process holds: its place in the data, its sums, its generators, what its batches left behind."""
        tensors: dict[str, Tensor] = {}
        values: dict[str, Any] = {}
        _collect("stream", self.stream.state(), tensors, values)
        _collect("ledger", self.ledger.state(), tensors, values)
        _collect("rng", _random_state(self.step.options.device), tensors, values)
        if self.mesh.world > 1:
            shared = {name for name, _ in self.task.named_parameters(remove_duplicate=False)}
            tensors |= {f"task/{key}": value for key, value in self.task.state_dict().items() if key not in shared}
        return tensors, values


def copy_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a copy that later steps do not change, laid out as files are, so that saving need not copy it again."""
    return {name: tensor.detach().clone(memory_format=torch.contiguous_format) for name, tensor in weights.items()}


def digest(snapshot: Snapshot, *, tensors_sha: str = "") -> str:
    """Return the SHA-256 over names, types, shapes and bytes of all tensors, and all values but the outside ones.

    Args:
        snapshot: The state.
        tensors_sha: The `hash_tensors` of its tensors, where that is known already.
    """
    inside = {key: value for key, value in snapshot.values.items() if key != "outside"}
    sha = hashlib.sha256((tensors_sha or hash_tensors(snapshot.tensors)).encode())
    sha.update(json.dumps(inside, sort_keys=True).encode())
    return sha.hexdigest()


def seed_everything(seed: int) -> None:
    """Seed every default generator that a model's construction or forward pass may use."""
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)


def _collect(prefix: str, state: Mapping[str, Any], tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
    """Sort a part's state into tensors and values, under its prefix."""
    for key, value in state.items():
        if isinstance(value, Tensor):
            tensors[f"{prefix}/{key}"] = value
        else:
            values[f"{prefix}/{key}"] = value


def _below(prefix: str, mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries under a prefix, without it."""
    return {key.removeprefix(prefix + "/"): value for key, value in mapping.items() if key.startswith(prefix + "/")}


def _copied(tensor: Tensor) -> Tensor:
    """Return a contiguous copy on the CPU, made in one go."""
    return tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)


def _add_others(
    mesh: Mesh,
    own_tensors: Mapping[str, Tensor],
    own_values: Mapping[str, Any],
    tensors: dict[str, Tensor],
    values: dict[str, Any],
) -> None:
    """Add what the processes after the first hold, each under its number."""
    held = save({key: _copied(value) for key, value in own_tensors.items()})
    said = json.dumps(own_values).encode()
    everyone = mesh.gather({"tensors": np.frombuffer(held, dtype=np.uint8), "values": np.frombuffer(said, dtype=np.uint8)})
    for rank, theirs in enumerate(everyone[1:], start=1):
        tensors |= {f"process{rank}/{key}": value for key, value in load(theirs["tensors"].tobytes()).items()}
        values |= {f"process{rank}/{key}": value for key, value in json.loads(theirs["values"].tobytes()).items()}


def _counts_on_device(optimizer: Optimizer, parameter: Tensor) -> bool:
    """Tell whether an optimizer counts steps on the device; the others read the count at every step, on the CPU."""
    group = next(group for group in optimizer.param_groups if any(each is parameter for each in group["params"]))
    return bool(group.get("fused") or group.get("capturable"))


def _placed(value: object, parameter: Tensor, device: torch.device) -> object:
    """Put an optimizer's tensor where it was; moments get their parameter's strides, which fused kernels rely on."""
    if not isinstance(value, Tensor):
        return value
    if value.shape == parameter.shape and value.dim() > 0:
        return torch.empty_like(parameter, dtype=value.dtype).copy_(value)
    return value.to(device, copy=True)


def _random_state(device: str) -> dict[str, Any]:
    """Return the state of every default generator that a model's forward pass may use."""
    numpy_state = np.random.get_state(legacy=False)
    assert isinstance(numpy_state, dict)
    state: dict[str, Any] = {
        "torch": torch.get_rng_state(),
        "python": json.dumps(random.getstate()),
        "numpy_key": torch.from_numpy(numpy_state["state"]["key"].astype(np.int64)),
        "numpy": [int(numpy_state["state"]["pos"]), int(numpy_state["has_gauss"]), float(numpy_state["gauss"])],
    }
    if torch.device(device).type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def _restore_random_state(state: Mapping[str, Any], device: str) -> None:
    """Put the default generators back."""
    torch.set_rng_state(state["torch"])
    version, internal, gauss = parse_json(state["python"].encode())
    random.setstate((version, tuple(internal), gauss))
    position, has_gauss, cached = state["numpy"]
    key = state["numpy_key"].numpy().astype(np.uint32)
    np.random.set_state(("MT19937", key, position, has_gauss, cached))
    if "cuda" in state and torch.device(device).type == "cuda":
        torch.cuda.set_rng_state(state["cuda"], device)
