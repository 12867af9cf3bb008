"""The table of published runs, read: which rows say enough for a forecast, and why the others do not.

Two readings. A `WorkRow` says how much work it was (parameters and tokens, or the cost of an image): its time can be forecast
from nothing. A `WorkloadRow` names a workload that was measured on several devices: its time can be moved from one to another.
"""

import csv
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tutelage.core.errors import UsageError
from tutelage.foresight.demand import Demand, demand_of, known_models
from tutelage.foresight.wish import RunWish
from tutelage.hardware.catalog import Device, find_device

__all__ = ["CIRCULAR", "Table", "WorkRow", "WorkloadRow", "default_path", "project", "read_table"]

CIRCULAR = ("full_run_ideal", "full_run_extrapolated")
"""Kinds whose time the authors worked out from FLOPs: nothing was measured, so nothing is tested."""
SPREAD = "throughput_spread"
PRECISIONS = {"float8": "fp8", "fp16": "fp16", "bf16": "bf16", "amp": "fp16", "fp32": "fp32", "tf32": "tf32"} | {
    "fp8": "fp8",
    "bfloat16": "bf16",
    "float16": "fp16",
    "float32": "fp32",
    "mixed": "fp16",
}
FAMILY_PRECISION = {"gan": "fp32"}
"""Where a row says none and it is not a mixed one: StyleGAN's code keeps TF32 off and float16 to its largest layers."""
IMAGE_TOKENS = 256.0
"""Tokens of an image of 224 pixels in patches of 14, where a vision transformer's row says no more."""
CONTEXTS = (("bert", 512.0), ("llama-3", 8192.0), ("llama-2", 4096.0))
"""Tokens of a sequence where a row says none, by a word of its name."""
PACKED = {"gpt2_modern": 1024.0}
"""Families that pack short documents into long sequences and attend within a window."""
UNKNOWN_PARAMS = 1e9
"""Taken where a row gives total FLOPs and no size; only the small memory term depends on it."""
A_MONTH_S, USUAL_MFU = 30 * 86_400.0, 0.4
"""Device counts that are not said are guessed as those that would take a month."""
SAME_SOURCE = re.compile(
    r"^(modded-nanogpt|TinyLlama|torchtitan|github llama-models|nanochat|llm\.c|NVIDIA DeepLearningExamples|stanford-futuredata"
    r"|metaseq|Megatron|llm-foundry|lambdal/deeplearning-benchmark)"
)
"""Files of one project: left out together where work is forecast."""
BARE = re.compile(r"iterations only|excludes compile|x step time", re.IGNORECASE)
"""Notes of a `full_run` whose time is that of its training steps alone."""
KNOWN_WORK = {
    "dle_resnet50": ("resnet50", 1.0),
    "dle_bert_base_squad": ("bert-base", 384.0),
    "dle_bert_large_squad": ("bert-large", 384.0),
}
"""Workloads whose work is known too: the model, and tokens of a sample (NVIDIA's SQuAD example cuts questions at 384)."""
MERGED = {"mlperf_retinanet": "mlperf_ssd", "mlperf_rgat": "mlperf_gnn", "lstm_enc_dec": "dle_gnmt"}
"""Names of one workload: MLPerf's SSD is RetinaNet from 2.0 on, its GNN is R-GAT; both GNMT are NVIDIA's example."""


@dataclass(frozen=True, slots=True)
class WorkRow:
    """A run whose work is known.

    Attributes:
        name: Its name in the table.
        source: What is left out together with it.
        wish: The run, as a user would describe it.
        demand: What one sample costs.
        device: What it ran on.
        seconds: What was measured: device-seconds of one sample.
        is_rate: Whether it was published as a rate (more is faster) or as a time.
        is_run: Whether the time is that of a complete run.
    """

    name: str
    source: str
    wish: RunWish
    demand: Demand
    device: Device
    seconds: float
    is_rate: bool
    is_run: bool = False


@dataclass(frozen=True, slots=True)
class WorkloadRow:
    """A workload that was measured on several devices.

    Attributes:
        name: Its name in the table.
        source: What is left out together with it.
        workload: What was run.
        device: What it ran on.
        devices: How many.
        precision: Number format of its products.
        seconds: Device-seconds of one unit of work, or of the whole way to the target.
        is_rate: Whether it was published as a rate.
        is_target: Whether the work ends at a quality target.
    """

    name: str
    source: str
    workload: str
    device: Device
    devices: int
    precision: str
    seconds: float
    is_rate: bool
    is_target: bool


@dataclass(frozen=True, slots=True)
class Table:
    """All rows that say enough, and why the others are left out."""

    work: tuple[WorkRow, ...]
    workloads: tuple[WorkloadRow, ...]
    left_out: Mapping[str, str]


class _LackingError(Exception):
    """A row does not say enough; the text says what is missing."""


def default_path() -> Path:
    """Return where the table lies: below `TUTELAGE_DATA`, or beside the checkout."""
    folder = os.environ.get("TUTELAGE_DATA") or Path(__file__).parents[3] / "shared" / "data"
    return Path(folder) / "published-runs" / "published_runs.csv"


def read_table(path: Path) -> Table:
    """Read the table."""
    work, workloads, left_out = [], [], {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        try:
            if _is_workload(row):
                workloads.append(_workload(row))
                if row["model_family"] in KNOWN_WORK and row["kind"] == "throughput" and row["n_devices"] == "1":
                    work.append(_known_work(row, workloads[-1]))
            else:
                work.append(_work(row))
        except (_LackingError, UsageError) as lack:
            left_out[row["name"]] = str(lack)
    return Table(tuple(work), tuple(workloads), left_out)


def _is_workload(row: Mapping[str, str]) -> bool:
    """Tell whether a row names a workload rather than saying how much work it was."""
    return row["model_family"].startswith(("dle_", "mlperf_")) or row["model_family"] in (
        "gan",
        "lstm_enc_dec",
        "maskrcnn",
        "efficientdet",
        "jasper",
    )


def _workload(row: Mapping[str, str]) -> WorkloadRow:
    """Read a row that names a workload."""
    if row["kind"] in (*CIRCULAR, "energy"):
        raise _LackingError(f"kind {row['kind']}: no measured time")
    hours, rate, devices = (_number(row, key) for key in ("reported_time_hours", "throughput", "n_devices"))
    if not devices:
        raise _LackingError("the number of devices is not said")
    family, is_target = MERGED.get(row["model_family"], row["model_family"]), row["kind"] == "to_target"
    is_inverse = row["throughput_unit"].startswith("s/")
    is_rate = bool(rate) and not is_target and not is_inverse
    if not (hours if is_target else rate or hours):
        raise _LackingError("no time and no rate")
    is_timed = is_target or not rate
    seconds = hours * 3600 if is_timed else rate if is_inverse else 1 / rate
    workload = family if row["model_family"] != "gan" else _unnumbered(row["name"])
    if not (rate or is_target):
        workload += ", whole run"
    return WorkloadRow(
        name=row["name"],
        source=row["source"],
        workload=workload,
        device=_device(row),
        devices=int(devices),
        precision=_precision(row),
        seconds=seconds * devices,
        is_rate=is_rate,
        is_target=is_target,
    )


def _known_work(row: Mapping[str, str], workload: WorkloadRow) -> WorkRow:
    """Read a row of a workload whose model is known as one of known work."""
    model, tokens = KNOWN_WORK[row["model_family"]]
    said: dict[str, Any] = {"model": model, "context": tokens if tokens > 1 else 0.0, "precision": workload.precision}
    wish = RunWish(hardware=workload.device.key, samples=1.0, is_whole=False, **said)
    source = project(row["source"])
    return WorkRow(row["name"], source, wish, demand_of(wish), workload.device, workload.seconds / tokens, is_rate=True)


def project(source: str) -> str:
    """Return the project that a source belongs to."""
    found = SAME_SOURCE.match(source)
    return found[1] if found else source


def _unnumbered(name: str) -> str:
    """Return a name without the devices at its end: `... 8xA100`."""
    return re.sub(r"\s*\d+x\S+$", "", name)


def _work(row: Mapping[str, str]) -> WorkRow:
    """Read a row that says how much work it was."""
    kind = row["kind"]
    if kind in CIRCULAR:
        raise _LackingError(f"kind {kind}: worked out by the authors, not measured")
    if row["model_family"] == "enc_dec":
        raise _LackingError("encoder and decoder: 6 N for each token does not hold")
    if kind == "to_target":
        raise _LackingError("to a quality target: how many samples that takes is not said")
    device = _device(row)
    said = _size(row)
    is_rate = kind == "throughput"
    devices = _number(row, "n_devices")
    demand = demand_of(RunWish(hardware=device.key, samples=1.0, **said))
    samples = _samples(row, demand=demand)
    if is_rate:
        seconds = _seconds_of_rate(row, demand=demand, device=device)
    else:
        hours = _number(row, "device_hours") or _number(row, "reported_time_hours") * devices
        seconds = hours * 3600 / samples if samples else 0.0
        if not seconds:
            raise _LackingError("neither tokens nor FLOPs, or no time, are said")
    if not devices:
        devices = max(8.0, demand.flops * samples / (device.peak("bf16") * USUAL_MFU * A_MONTH_S))
    is_whole = kind == "full_run" and not BARE.search(row["notes"])
    wish = RunWish(hardware=device.key, samples=samples or 1.0, devices=round(devices), is_whole=is_whole, **said)
    return WorkRow(row["name"], project(row["source"]), wish, demand, device, seconds, is_rate, is_run=kind == "full_run")


def _size(row: Mapping[str, str]) -> dict[str, Any]:
    """Return what a row says of the model and how it is trained, as fields of a wish."""
    family, notes = row["model_family"], row["notes"]
    said: dict[str, Any] = {
        "precision": _precision(row),
        "is_recomputed": bool(re.search(r"full AC|full activation recompute", notes)),
    }
    if family == "timm":
        counted = re.search(r"forward GMACs ([\d.]+), activations ([\d.]+) M", notes)
        if not counted:
            raise _LackingError("neither multiply-adds nor layer outputs are said")
        return said | {"kind": "images", "sample_flops": float(counted[1]) * 6e9, "sample_outputs": float(counted[2]) * 1e6}
    named = next((name for name in (family, row["name"].lower()) if known_models().get(name, {}).get("kind") == "images"), "")
    if named:
        side = row["seq_len_or_resolution"]
        return said | {"model": named, "side": float(side) if side.isdigit() else 0.0}
    usual = next((tokens for word, tokens in CONTEXTS if word in row["name"].lower()), 2048.0)
    context = float(row["seq_len_or_resolution"]) if row["seq_len_or_resolution"].isdigit() else usual
    if family == "vit":
        context = IMAGE_TOKENS
    params = _number(row, "params") or (UNKNOWN_PARAMS if row["flops_total_reported"] else 0.0)
    if not params:
        raise _LackingError("the number of parameters is not said")
    return said | {"params": params, "context": min(context, PACKED.get(family, math.inf))}


def _samples(row: Mapping[str, str], *, demand: Demand) -> float:
    """Return tokens or images of what was timed; 0 where they are not said."""
    if row["kind"] == "step_time":
        return _batch(row, demand=demand)
    samples = _number(row, "tokens_or_samples")
    if row["model_family"] == "vit":
        samples *= IMAGE_TOKENS
    return samples or _number(row, "flops_total_reported") / demand.flops


def _seconds_of_rate(row: Mapping[str, str], *, demand: Demand, device: Device) -> float:
    """Return device-seconds of one sample from a rate, in whatever unit it was published."""
    rate, unit, devices = _number(row, "throughput"), row["throughput_unit"], _number(row, "n_devices")
    if not rate and row["reported_mfu"]:
        return demand.flops / (_number(row, "reported_mfu") * device.peak("bf16"))
    samples = {
        "tok/s/device": rate,
        "tok/s total": rate / max(1.0, devices),
        "img/s": rate,
        "img/s total": rate / max(1.0, devices),
        "seq/s total": rate * demand.context / max(1.0, devices),
        "TFLOP/s/device": rate * 1e12 / demand.flops,
        "s/iter": _batch(row, demand=demand) / max(1.0, devices) / rate if rate else 0.0,
    }.get(unit, 0.0)
    if not samples:
        raise _LackingError(f"a rate in {unit!r} does not say what a sample is")
    return 1 / samples


def _batch(row: Mapping[str, str], *, demand: Demand) -> float:
    """Return the tokens or images of one step; 0 where they are not said."""
    found = re.match(r"([\d.]+)\s*([kM]?)\s*(tok|seq)?$", row["global_batch"])
    if not found:
        return 0.0
    many = float(found[1]) * {"": 1.0, "k": 1e3, "M": 1e6}[found[2]]
    return many if found[3] == "tok" or demand.kind == "images" else many * demand.context


def _precision(row: Mapping[str, str]) -> Any:
    """Return the number format of a row's matrix products."""
    word = row["precision"].split()[0].lower() if row["precision"] else ""
    if not word:
        return FAMILY_PRECISION.get(row["model_family"], "bf16")
    if word not in PRECISIONS:
        raise _LackingError(f"precision {word!r} is unknown")
    return PRECISIONS[word]


def _device(row: Mapping[str, str]) -> Device:
    """Return what a row ran on."""
    return find_device(row["hardware"])


def _number(row: Mapping[str, str], key: str) -> float:
    """Return a number of a row; 0 where it says none."""
    try:
        value = float(row[key] or 0.0)
    except ValueError:
        raise _LackingError(f"{key} = {row[key]!r} is no number") from None
    if value < 0:
        raise _LackingError(f"{key} = {value:g} is below 0")
    return value if math.isfinite(value) else 0.0
