"""The seam for many processes: every decision taken from a clock, a signal or a local sum goes through one object.

One process is alone: nothing is asked and nothing is changed. Several processes train one model together, each on its
part of every batch: gradients are added over them, and what one of them alone sees (how late it is, that Ctrl-C was
pressed) is agreed on before anything follows from it. The first one writes the run folder; where it cannot, all end.

Sums of two processes are the same bits as two micro-batches of one; of more, the order of addition is the library's.
A model whose parameters are split over the processes (`fully_shard`) adds its gradients itself: it needs a mesh with a
`sum_` and a `spread_` that leave those alone, and `StepOptions(backward="whole")`.
"""

import importlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from safetensors.numpy import load, save
from torch import Tensor
from torch._C._distributed_c10d import TCPStore

from tutelage.core.errors import OutOfMemoryError, RecipeError
from tutelage.core.memory import is_out_of_memory, out_of_memory
from tutelage.training.failure import failure_from, failure_record
from tutelage.training.flat import alike, flatten, put_back

__all__ = [
    "ASK_EVERY",
    "LONE",
    "PATIENCE",
    "DistributedMesh",
    "Mesh",
    "device_of_process",
    "is_alone",
    "is_first_process",
    "mesh_from_environment",
]

ASK_EVERY = 16
"""Steps between two questions to the other processes about clocks and signals: asking costs a round trip each time."""
PATIENCE = timedelta(minutes=30)
"""How long a process waits for the others before it gives up: evaluating and saving may take this long."""

Value = TypeVar("Value")


class Mesh:
    """A process that is alone: the identity of everything that several would do together.

    Attributes:
        rank: Which process this is, from 0.
        world: How many there are.
    """

    rank: int = 0
    world: int = 1

    @property
    def is_writer(self) -> bool:
        """Whether this process writes the run folder."""
        return self.rank == 0

    @property
    def ask_every(self) -> int:
        """Steps between two questions to the other processes; alone there is nobody to wait for."""
        return 1 if self.world == 1 else ASK_EVERY

    def copies(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Return what `sum_` exchanges: it takes memory, and each process has to have it before all of them begin."""
        return []

    def sum_(self, tensors: Sequence[Tensor], copies: Sequence[Tensor] | None = None) -> None:
        """Replace each tensor by its sum over all processes; these give the same shapes and types, in the same order.

        Args:
            tensors: What is added up.
            copies: What `copies` returned for them, where that was asked before.
        """

    def spread_(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by that of the first process."""

    def together(self, work: Callable[[], Value], *, doing: str) -> Value:
        """Do something that takes memory in every process; where one has too little, it has failed in all of them.

        Args:
            work: Must not wait for the other processes.
            doing: What it is, for people.

        Raises:
            OutOfMemoryError: There was too little memory, in whichever process.
        """
        found = ""
        try:
            value = work()
        except (MemoryError, RuntimeError, OSError, OutOfMemoryError) as error:
            if not (isinstance(error, OutOfMemoryError) or is_out_of_memory(error)):
                raise
            found = str(error) or "out of memory"
        # Outside of the handler: its frames hold what filled the memory.
        if self.total(int(bool(found))):
            raise out_of_memory(found, doing=doing)
        return value

    def total(self, number: int) -> int:
        """Return the sum of a whole number over all processes."""
        return number

    def agree(self, value: Value) -> Value:
        """Return the first process's value everywhere: a number, a word, or lists and tables of them."""
        return value

    def lead(self, work: Callable[[], Value]) -> Value:
        """Let the first process alone do something, and return what it returned everywhere; the others wait.

        Args:
            work: Returns what `agree` takes.

        Raises:
            Exception: What the work raised, in every process: none is left waiting for one that has gone.
        """
        return work()

    def first_word(self, word: str) -> str:
        """Return the word of the lowest process that has one, "" where none has; for signals, which reach any of them."""
        return word

    def gather(self, arrays: Mapping[str, np.ndarray]) -> list[dict[str, np.ndarray]]:
        """Return every process's arrays of numbers, in order of rank; keys and shapes may differ."""
        return [dict(arrays)]

    def barrier(self) -> None:
        """Wait until every process is here."""

    def close(self, *, is_in_order: bool = False) -> None:
        """Leave the others, at the end; `is_in_order` where all of them come here, so that none is gone before the others."""


LONE = Mesh()
"""The mesh of one process."""


class DistributedMesh(Mesh):
    """Several processes over torch.distributed: `gloo` between CPUs, `nccl` between graphics cards.

    What is decided travels between the CPUs, so that agreeing never waits for a graphics card.
    """

    def __init__(self, *, rank: int, world: int, store: TCPStore, device: str = "cpu") -> None:
        """Meet the others.

        Args:
            rank: Which process this is, from 0.
            world: How many there are.
            store: Where they find each other.
            device: Where they train.
        """
        # Its functions take the group that there is when the module is first imported as their default, and keep it alive: the
        # library's threads then outlive `close`, and now and then abort the process at its very end.
        importlib.import_module("torch.distributed.nn.functional")
        self.rank, self.world = rank, world
        backend = "cpu:gloo,cuda:nccl" if torch.device(device).type == "cuda" else "gloo"
        dist.init_process_group(backend, store=store, rank=rank, world_size=world, timeout=PATIENCE)

    @torch.no_grad()
    def copies(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Return the tensors of each type end to end."""
        return [flatten(together) for together in alike(tensors)]

    @torch.no_grad()
    def sum_(self, tensors: Sequence[Tensor], copies: Sequence[Tensor] | None = None) -> None:
        """Replace each tensor by its sum over all processes, in one exchange for each type."""
        for together, flat in zip(alike(tensors), self.copies(tensors) if copies is None else copies, strict=True):
            dist.all_reduce(flat)
            put_back(together, flat)

    @torch.no_grad()
    def spread_(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by that of the first process."""
        for together in alike(tensors):
            flat = flatten(together)
            dist.broadcast(flat, 0)
            put_back(together, flat)

    def total(self, number: int) -> int:
        """Return the sum of a whole number over all processes."""
        held = torch.tensor(number)
        dist.all_reduce(held)
        return int(held)

    def agree(self, value: Value) -> Value:
        """Return the first process's value everywhere; as JSON, which keeps every bit of a float (a tuple becomes a list)."""
        said = torch.frombuffer(bytearray(json.dumps(value).encode()), dtype=torch.uint8)
        size = torch.tensor(len(said))
        dist.broadcast(size, 0)
        if not self.is_writer:
            said = torch.empty(int(size), dtype=torch.uint8)
        dist.broadcast(said, 0)
        agreed: Value = json.loads(said.numpy().tobytes())
        return agreed

    def lead(self, work: Callable[[], Value]) -> Value:
        """Let the first process alone do something, and return what it returned, or raise what it raised, everywhere."""
        if not self.is_writer:
            outcome: dict[str, Any] = self.agree({})
            if outcome["failure"] is not None:
                raise failure_from(outcome["failure"])
            done: Value = outcome["value"]
            return done
        try:
            value = work()
        except Exception as error:
            self.agree({"value": None, "failure": failure_record(error)})
            raise
        # Outside of the try: what agreeing itself raises cannot be agreed on.
        self.agree({"value": value, "failure": None})
        return value

    def first_word(self, word: str) -> str:
        """Return the word of the lowest process that has one, "" where none has."""
        lowest = torch.tensor(self.rank if word else self.world)
        dist.all_reduce(lowest, dist.ReduceOp.MIN)
        if int(lowest) == self.world:
            return ""
        said = self.gather({"word": np.frombuffer(word.encode(), dtype=np.uint8)})
        return said[int(lowest)]["word"].tobytes().decode()

    def gather(self, arrays: Mapping[str, np.ndarray]) -> list[dict[str, np.ndarray]]:
        """Return every process's arrays, in order of rank; they travel as safetensors, so no code is ever loaded."""
        text = save({key: np.asarray(value, order="C") for key, value in arrays.items()})
        said = torch.frombuffer(bytearray(text), dtype=torch.uint8)
        sizes = [torch.tensor(0) for _ in range(self.world)]
        dist.all_gather(sizes, torch.tensor(len(said)))
        longest = max(int(size) for size in sizes)
        padded = torch.zeros(longest, dtype=torch.uint8)
        padded[: len(said)] = said
        heard = [torch.empty(longest, dtype=torch.uint8) for _ in range(self.world)]
        dist.all_gather(heard, padded)
        return [load(each[: int(size)].numpy().tobytes()) for each, size in zip(heard, sizes, strict=True)]

    def barrier(self) -> None:
        """Wait until every process is here."""
        self.total(0)

    def close(self, *, is_in_order: bool = False) -> None:
        """Leave the others, at the end."""
        if is_in_order:
            self.barrier()
        dist.destroy_process_group()


def mesh_from_environment(environ: Mapping[str, str], *, device: str = "cpu") -> Mesh:
    """Return the mesh that a launcher such as torchrun describes; that of one process where none does.

    Args:
        environ: WORLD_SIZE, RANK, MASTER_ADDR and MASTER_PORT, as torchrun sets them.
        device: Where this process trains, such as `cuda:1`.

    Raises:
        RecipeError: WORLD_SIZE says that there are several processes, and the rest is missing or no number.
    """
    world = _number(environ, "WORLD_SIZE", default=1)
    if world <= 1:
        return LONE
    rank, port = _number(environ, "RANK"), _number(environ, "MASTER_PORT")
    if not environ.get("MASTER_ADDR"):
        raise RecipeError(_missing("MASTER_ADDR", ""))
    # Under torchrun the launcher itself holds the store, and the first process is a client like the others.
    is_host = rank == 0 and environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True"
    store = TCPStore(environ["MASTER_ADDR"], port, world, is_host, timeout=PATIENCE, multi_tenant=True)
    if torch.device(device).type == "cuda":
        torch.cuda.set_device(device)
    return DistributedMesh(rank=rank, world=world, store=store, device=device)


def is_alone(environ: Mapping[str, str]) -> bool:
    """Tell whether no launcher started several processes."""
    return environ.get("WORLD_SIZE", "1") in ("", "0", "1")


def is_first_process(environ: Mapping[str, str]) -> bool:
    """Tell whether this process is alone, or the first of those that a launcher started: the one that writes and tells."""
    return is_alone(environ) or environ.get("RANK", "0") == "0"


def device_of_process(environ: Mapping[str, str], device: str) -> str:
    """Return the graphics card of this process: that of its LOCAL_RANK, which a launcher sets; any other device stays.

    A single card such as `cuda:1` is kept by a process that is alone. Several cannot share it: each takes its own.
    """
    is_several = _number(environ, "WORLD_SIZE", default=1) > 1
    is_card = torch.device(device).type == "cuda" if is_several else device == "cuda"
    return f"cuda:{_number(environ, 'LOCAL_RANK')}" if is_card and "LOCAL_RANK" in environ else device


def _number(environ: Mapping[str, str], name: str, *, default: int | None = None) -> int:
    """Read a whole number that is at least 0."""
    text = environ.get(name, "")
    if not text and default is not None:
        return default
    if not text.isdecimal():
        raise RecipeError(_missing(name, text))
    return int(text)


def _missing(name: str, text: str) -> str:
    """Say what a launcher should have set."""
    found = f"is {text!r}" if text else "is not set"
    return (
        f"environment: WORLD_SIZE asks for several processes, and {name} {found}. Start them with torchrun, or unset WORLD_SIZE."
    )
