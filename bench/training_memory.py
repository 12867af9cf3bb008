"""How well the memory of a training's steps is told beforehand, and whether they fit: `python -m bench training_memory`.

For each training a fresh process counts its step without making it, and another one makes steps and says by how much it grows at
its height. Then the same training is built and makes its steps under a limit set around what they need: the verdict "fits" is
right where the step goes through as a whole, and "does not" where it is cut, fails or is killed. There are two kinds of limits:
of addresses (`ulimit -v`), where a training spares them, and of a control group, as a container or a job of a cluster has one;
the latter is left out where this process may not make a group. Last, the largest batch that should fit under a limit of addresses
is tried, and one that is a fifth larger.

Goals: median error at most 10 %, verdicts right in at least 95 %.
"""

import json
import math
import os
import resource
import signal
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from tutelage.core.allocator import SCARCE_BYTES
from tutelage.core.control_groups import memory_groups
from tutelage.core.errors import OutOfMemoryError
from tutelage.core.memory import is_out_of_memory
from tutelage.planning.facts import Machine
from tutelage.planning.recipe import recipe_from
from tutelage.run.compose import Composed, compose
from tutelage.run.largest_batch import largest_batch, room_for_steps, step_bytes
from tutelage.run.start import Request, plan_training
from tutelage.run.work import count_training_step
from tutelage.training.freed_memory import keep_freed_memory

__all__ = ["run"]

STEPS, UNDER_LIMIT = 8, 4
GOAL, VERDICT_GOAL = 0.1, 0.95
LIMITS = (0.6, 0.8, 1.25, 1.6)
"""Room for the steps, as multiples of what they need."""
LARGER = 1.2
KILLED = -signal.SIGKILL
HERE = Machine("cpu", "a processor", 1, "", 0.0, 50.0)


class Case(NamedTuple):
    """A training: its recipe, and the kind and sizes of its made-up rows; nothing where the recipe names a source."""

    wishes: dict[str, Any]
    rows: tuple[Any, ...] = ()


def _made(kind: str, *sizes: int) -> Any:
    """Return rows of a kind with labels."""
    random = np.random.default_rng(0)
    count = sizes[0]
    labels = random.integers(0, 5, count)
    match kind:
        case "table":
            return random.standard_normal(sizes).astype(np.float32), labels
        case "numbers":
            return random.standard_normal(sizes).astype(np.float32), random.standard_normal(count)
        case "images":
            return random.integers(0, 256, sizes).astype(np.uint8), labels
        case "series":
            return random.standard_normal(sizes).astype(np.float32), labels
        case "texts":
            words = np.array([f"word{number}" for number in range(3000)])
            return [" ".join(words[random.integers(0, 3000, sizes[1])]) for _ in range(count)], labels
    raise ValueError(kind)


FP32, BF16 = {"precision": "float32"}, {"precision": "bfloat16"}
SERIES = {"source_settings": {"kind": "series"}}
WIDE = {"kind": "mlp", "hidden": [2048, 2048, 2048]}
CASES = {
    "table, 1024": Case({"batch_size": 1024, **FP32}, ("table", 8000, 40)),
    "table, 4096": Case({"batch_size": 4096, **FP32}, ("table", 12000, 40)),
    "table by a wide MLP, 256": Case({"batch_size": 256, "model": WIDE, **FP32}, ("table", 4000, 100)),
    "table by a wide MLP, 2048": Case({"batch_size": 2048, "model": WIDE, **FP32}, ("table", 8000, 100)),
    "table by a wide MLP, 2048, bf16": Case({"batch_size": 2048, "model": WIDE, **BF16}, ("table", 8000, 100)),
    "regression, 2048": Case({"batch_size": 2048, **FP32}, ("numbers", 8000, 60)),
    "images of 32, 64": Case({"batch_size": 64, "model": "cnn", **FP32}, ("images", 400, 32, 32, 3)),
    "images of 32, 256": Case({"batch_size": 256, "model": "cnn", **FP32}, ("images", 600, 32, 32, 3)),
    "images of 32, 256, bf16": Case({"batch_size": 256, "model": "cnn", **BF16}, ("images", 600, 32, 32, 3)),
    "images of 28 by ResNet, 64": Case({"batch_size": 64, "model": "resnet", **FP32}, ("images", 400, 28, 28)),
    "images of 28 by ResNet, 32, bf16": Case({"batch_size": 32, "model": "resnet", **BF16}, ("images", 400, 28, 28)),
    "images of 64, 32": Case({"batch_size": 32, "model": "cnn", **FP32}, ("images", 200, 64, 64, 3)),
    "images by MLP, 512": Case({"batch_size": 512, "model": WIDE, **FP32}, ("images", 1500, 28, 28)),
    "series of 200, 64": Case({"batch_size": 64, "model": "inception", **SERIES, **FP32}, ("series", 400, 3, 200)),
    "series of 200, 256": Case({"batch_size": 256, "model": "inception", **SERIES, **FP32}, ("series", 600, 3, 200)),
    "series by LSTM, 128": Case({"batch_size": 128, "model": "lstm", **SERIES, **FP32}, ("series", 400, 3, 120)),
    "series by GRU, 256": Case({"batch_size": 256, "model": "gru", **SERIES, **FP32}, ("series", 600, 3, 120)),
    "texts by encoder, 32": Case({"batch_size": 32, "model": "text_encoder", **FP32}, ("texts", 300, 120)),
    "texts by encoder, 64, bf16": Case({"batch_size": 64, "model": "text_encoder", **BF16}, ("texts", 300, 120)),
    "texts by CNN, 128": Case({"batch_size": 128, "model": "text_cnn", **FP32}, ("texts", 500, 150)),
    "language by GPT, 16": Case({"source": "@tinyshakespeare", "batch_size": 16, "model": "gpt", **FP32}),
    "language by GPT, 48, bf16": Case({"source": "@tinyshakespeare", "batch_size": 48, "model": "gpt", **BF16}),
    "language by LSTM, 64": Case({"source": "@tinyshakespeare", "batch_size": 64, "model": "lstm", **FP32}),
    "points, 8192": Case({"source": "gaussians:8", "batch_size": 8192, **FP32}),
    "digits, made, 256": Case({"source": "sklearn:digits", "task": "generate", "batch_size": 256, **FP32}),
    "CartPole by PPO, 4096": Case({"source": "gym:CartPole-v1", "task": {"kind": "ppo", "num_envs": 64}, "batch_size": 4096}),
    "Pendulum by SAC, 2048": Case({"source": "gym:Pendulum-v1", "task": "sac", "batch_size": 2048}),
}  # fmt: skip
LARGEST = (
    "table by a wide MLP, 2048", "images of 32, 64", "images of 28 by ResNet, 64", "series of 200, 64",
    "texts by encoder, 32", "language by GPT, 16",
)  # fmt: skip
"""Trainings of which the largest batch is looked for, in half as much room again as they need."""
ROOM_OF_LARGEST = 1.5


def built(name: str, batch_size: int = 0) -> Composed:
    """Return a training, built and not begun."""
    case = CASES[name]
    wishes = {"budget": {"steps": 1000}, "compile": "none", **case.wishes} | ({"batch_size": batch_size} if batch_size else {})
    source = wishes.get("source", "")
    if source.startswith("@"):
        shared = Path(os.environ.get("TUTELAGE_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
        wishes["source"] = str(shared / source[1:])
    data = _made(*case.rows) if case.rows else None
    plan, gathered, _ = plan_training(Request(recipe_from(wishes, where=name), data=data, machine=HERE))
    return compose(plan, gathered.data)


def status(name: str) -> int:
    """Return a number of the kernel's about this process, in bytes."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def _load_libraries() -> None:
    """Take a small step of other layers: what libraries take once is no matter of the training."""
    small = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 4))
    optimizer = torch.optim.AdamW(small.parameters())
    small(torch.randn(2, 3, 8, 8)).sum().backward()
    optimizer.step()


def _steps(composed: Composed, count: int) -> None:
    """Make steps as the loop does."""
    state = composed.state
    state.task.train()
    for number in range(count):
        batch = state.stream.next()
        if state.task.draws:
            batch = state.task.draw(batch, torch.Generator().manual_seed(number))
        state.stream.observe(state.step(state.task.usual_beat(number), batch, 0.0))


def measured(name: str, kind: str) -> dict[str, Any]:
    """Make steps, and return by how many bytes this process grows: what is written to, whose height can be set back."""
    composed = _prepared(name, kind)
    with closing(composed.problem):
        before = status("VmRSS")
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
        _steps(composed, STEPS)
        return {"grown": status("VmHWM") - before, "peak": status("VmHWM")}


def told(name: str, kind: str) -> dict[str, Any]:
    """Count a step, and return by how many bytes a process is said to grow, and the largest batch in half as much room again."""
    composed = _prepared(name, kind)
    with closing(composed.problem):
        batch = composed.state.stream.next()
        work = count_training_step(composed.state, batch)
        grown = step_bytes(work)
        most = len(composed.problem.stream) if hasattr(composed.problem.stream, "__len__") else 0
        largest = largest_batch(composed.state, batch, work=work, room_bytes=round(ROOM_OF_LARGEST * grown), most=most)
    return {"grown": grown, "largest": largest, "rows": work.rows}


def limited(name: str, kind: str, batch_size: int, left: int) -> None:
    """Say how much room there is where so many bytes are left for steps; make some, and say whether they went through."""
    composed = _prepared(name, kind, batch_size)
    with closing(composed.problem):
        if kind == "addresses":
            _bound(status("VmSize") + left)
        else:
            _join_group(left)
        print(json.dumps({"room": room_for_steps("cpu")}), flush=True)
        before = composed.state.step.num_micro
        try:
            _steps(composed, UNDER_LIMIT)
            fits = composed.state.step.num_micro == before
        except (OutOfMemoryError, MemoryError, RuntimeError) as error:
            if not isinstance(error, OutOfMemoryError) and not is_out_of_memory(error):
                raise
            fits = False
    print(json.dumps({"fits": fits}))


def _prepared(name: str, kind: str, batch_size: int = 0) -> Composed:
    """Return a training, built and not begun, in a process that has loaded what it needs; `addresses` = it spares them."""
    if kind == "addresses":
        # A limit that fits, so that all is done as it is under one; what building takes is no matter of the steps.
        _bound(SCARCE_BYTES - 1)
    keep_freed_memory()
    composed = built(name, batch_size)
    _load_libraries()
    return composed


def _bound(addresses: int) -> None:
    """Limit the addresses of this process."""
    resource.setrlimit(resource.RLIMIT_AS, (addresses, resource.RLIM_INFINITY))


def _join_group(left: int) -> None:
    """Move this process into a group of its own, in which it may take so many bytes more: what it has stays the other group's."""
    folder, limit = next(_groups(str(os.getpid())))
    (folder / limit).write_text(str(left), encoding="utf-8")
    (folder / "cgroup.procs").write_text(str(os.getpid()), encoding="utf-8")


def _groups(name: str) -> Iterator[tuple[Path, str]]:
    """Make a control group, and give its folder and the name of its limit; nothing where that may not be done."""
    for folder in _places(name):
        with suppress(OSError):
            folder.mkdir()
            for limit, swap, most in (
                ("memory.limit_in_bytes", "memory.swappiness", "0"),
                ("memory.max", "memory.swap.max", "0"),
            ):
                if (folder / limit).exists():
                    with suppress(OSError):  # where there is no swap, there may be no such file
                        (folder / swap).write_text(most, encoding="utf-8")
                    yield folder, limit
                    return
            folder.rmdir()


def _places(name: str) -> list[Path]:
    """Return where a group of this name could be: below the outermost one that is seen, in each version."""
    return [
        each.limit.parent / f"tutelage-bench-{name}"
        for each in memory_groups()
        if each.limit.parent.parent.is_mount() or each.limit.parent.is_mount()
    ]


def kinds() -> tuple[str, ...]:
    """Return the kinds of limits that can be set here."""
    for folder, _ in _groups(f"try-{os.getpid()}"):
        folder.rmdir()
        return ("addresses", "group")
    return ("addresses",)


def apart(*words: str) -> dict[str, Any]:
    """Return what a fresh process says; `failed` is in it where that failed."""
    command = [sys.executable, "-m", "bench.training_memory", *words]
    environ = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        said, complaint = process.communicate()
    for folder in _places(str(process.pid)):
        with suppress(OSError):
            folder.rmdir()
    found: dict[str, Any] = {}
    for line in said.splitlines():
        found |= json.loads(line)
    if process.returncode == KILLED:
        return found | {"failed": KILLED}
    return found | ({"failed": complaint.strip().splitlines()[-1:] or process.returncode} if process.returncode else {})


def tried(name: str, kind: str, *, left: int, said: int = 0, batch_size: int = 0) -> dict[str, Any]:
    """Return whether steps of so many bytes were said to fit, and whether they did: who was killed under a limit did not."""
    found = apart("--limited", name, kind, str(batch_size), str(left))
    # Whoever is killed under a limit has not found room; any other end says nothing of it.
    if "room" not in found or found.get("failed", KILLED) != KILLED:
        return {"failed": found.get("failed")}
    return {"left": left, "verdict": said <= found["room"], "fits": found.get("fits", False)}


def one(name: str, kind: str) -> dict[str, Any]:
    """Return all of one training under limits of a kind."""
    said, seen = apart("--told", name, kind), apart("--measured", name, kind)
    if "failed" in said or "failed" in seen:
        return {"failed": [said, seen]}
    limits = [tried(name, kind, left=round(share * seen["grown"]), said=said["grown"]) | {"share": share} for share in LIMITS]
    found = {"kind": kind, "told": said["grown"], "grown": seen["grown"], "error": round(said["grown"] / seen["grown"] - 1, 3)}
    found |= {"peak_error": round((said["grown"] - seen["grown"]) / seen["peak"], 3), "limits": limits}
    if kind == "addresses" and name in LARGEST and said["largest"]:
        left = round(ROOM_OF_LARGEST * said["grown"])
        sizes = (said["largest"], round(LARGER * said["largest"]))
        fits = [tried(name, kind, left=left, batch_size=size).get("fits", False) for size in sizes]
        found |= {"rows": said["rows"], "largest_batch": said["largest"], "fits": fits[0], "a_fifth_larger_fits": fits[1]}
    return found


def run(names: tuple[str, ...] = tuple(CASES)) -> dict[str, Any]:
    """Return all trainings, and how often what was told was right."""
    found: dict[str, Any] = {}
    for name in names:
        for kind in kinds():
            found[f"{name}; {kind}"] = one(name, kind)
            print(f"{name}; {kind}: {_line(found[f'{name}; {kind}'])}", file=sys.stderr, flush=True)
    whole = [each for each in found.values() if "failed" not in each]
    verdicts = [trial["verdict"] == trial["fits"] for each in whole for trial in each["limits"] if "failed" not in trial]
    largest = [each["fits"] and not each["a_fifth_larger_fits"] for each in whole if "largest_batch" in each]
    return {
        "trainings": found,
        "num_trainings": len(whole),
        "num_failed": len(found) - len(whole),
        **{
            kind: _errors([each for name, each in found.items() if name.endswith(kind) and "failed" not in each])
            for kind in kinds()
        },
        "num_verdicts": len(verdicts),
        "verdicts_right": round(sum(verdicts) / max(len(verdicts), 1), 3),
        "largest_batch_right": f"{sum(largest)} of {len(largest)}",
        "goals": {"median_error": GOAL, "verdicts_right": VERDICT_GOAL, "num_trainings": 20},
    }


def _errors(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return how far off the bytes of some trainings are."""
    errors = [abs(each["error"]) for each in found] or [math.nan]
    return {
        "median_error": round(statistics.median(errors), 3),
        "p90_error": round(float(np.quantile(errors, 0.9)), 3),
        "median_error_of_peak": round(statistics.median([abs(each["peak_error"]) for each in found] or [math.nan]), 4),
    }


def _line(found: Mapping[str, Any]) -> str:
    """Say what was found of one training."""
    if "failed" in found:
        return f"failed: {found['failed']}"
    wrong = [f"{each['share']:g}" for each in found["limits"] if each.get("verdict") != each.get("fits")]
    said = f"told {found['told'] / 1e6:,.0f} MB, grown {found['grown'] / 1e6:,.0f} MB ({found['error']:+.1%})"
    return f"{said}; wrong at {', '.join(wrong) or 'no limit'}"


if __name__ == "__main__":
    mode, *rest = sys.argv[1:] or [""]
    if mode == "--limited":
        limited(rest[0], rest[1], int(rest[2]), int(rest[3]))
    elif mode in ("--told", "--measured"):
        print(json.dumps({"--told": told, "--measured": measured}[mode](*rest)))
    else:
        print(json.dumps(run(tuple(sys.argv[1:]) or tuple(CASES)), indent=1))
