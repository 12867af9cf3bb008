"""The catalogue: datasheet values of known accelerators and processors, found by forgiving names; needs no torch.

Use it for hardware that is not at hand. What this machine really does is measured (`tutelage hardware`), not looked up.
"""

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

from tutelage.core.errors import UsageError

__all__ = ["Device", "Precision", "devices", "find_device"]

Precision = Literal["fp32", "tf32", "fp16", "bf16", "fp8"]
WIDER: Mapping[str, tuple[Precision, ...]] = {
    "fp8": ("fp8", "bf16", "fp16", "tf32", "fp32"),
    "bf16": ("bf16", "fp16", "tf32", "fp32"),
    "fp16": ("fp16", "bf16", "tf32", "fp32"),
    "tf32": ("tf32", "fp32", "bf16"),
    "fp32": ("fp32", "tf32", "bf16"),
}
"""What is computed in where a device lacks a number format: the next wider one, and the only one it has at last."""
NOISE = re.compile(
    r"@.*|\d+-core|\d+th gen|processor|\bcpu\b|nvidia|tesla|amd|instinct|geforce|intel|google|cloud|habana|quadro|aws|"
    r"apple silicon|tensor|core gpu|core|gpus?|chips?|"
    r"hbm\d?e?|gen\d|dgx|hgx|blackwell|nvlink|platinum|xeon\(r\)|\(r\)|\(tm\)|accelerator|generation|\d+ ?w\b"
)
BRACKETS = re.compile(r"\(.*?\)")
MEMORY = re.compile(r"(?<![a-z0-9])(\d+) ?g(?:b|ib)?\b")
FORM = re.compile(r"(?:^|[^a-z])(sxm|pcie|nvl|oam)\d?(?![a-z])")
OTHER_NAMES = {"tputrillium": "tpuv6e", "trillium": "tpuv6e", "titanblack": "gtxtitanblack", "v6e": "tpuv6e", "mi300": "mi300x"}
BRANDS = ("", "core", "rtx", "gtx", "rtxa", "tpu", "tpuv", "xeon", "epyc", "apple", "corei7", "corei9", "ryzen9")
"""What people leave out in front of a model's number."""
MIN_LIKENESS = 0.6


@dataclass(frozen=True, slots=True)
class Device:
    """One accelerator or processor as its datasheet has it.

    Attributes:
        key: Its name in the catalogue, such as `a100-sxm-80gb`.
        name: Its name for people.
        model: What entries of one model share, such as `a100`.
        maker: Who makes it.
        generation: Its architecture, such as `ampere`.
        form: `sxm`, `pcie`, `nvl`, `oam`, `pod`, `soc`, or `cpu`.
        memory_bytes: Of the device; 0 for a processor, whose memory is the machine's.
        bandwidth: Bytes a second between the device and its memory.
        tdp_w: Watts that it is built to draw at most; 0 where none is published.
        peaks: Dense FLOP/s by number format, without sparsity.
        link: Bytes a second to a neighbour within a node, one direction.
        network: Bytes a second out of the node, per device, one direction.
        per_node: How many usually stand in one node.
        matmul_share: Largest bf16 matrix product measured, as a share of the peak; 0 where none is known.
        source: The datasheet.
        is_verified: Whether peaks and bandwidth were read again in the source.
    """

    key: str
    name: str
    model: str
    maker: str
    generation: str
    form: str
    memory_bytes: float
    bandwidth: float
    tdp_w: float
    peaks: Mapping[str, float]
    link: float
    network: float
    per_node: int
    matmul_share: float
    source: str
    is_verified: bool

    @property
    def is_processor(self) -> bool:
        """Whether this is a general processor (CPU)."""
        return self.form == "cpu"

    def computed_in(self, precision: str) -> Precision:
        """Return the number format that matrix products run in: the wished one, or the next one the device has."""
        return next(name for name in WIDER[precision] if name in self.peaks)

    def peak(self, precision: str) -> float:
        """Return dense FLOP/s in a number format, or in the next one that the device has."""
        return self.peaks[self.computed_in(precision)]


@cache
def devices() -> tuple[Device, ...]:
    """Return all devices of the catalogue in its order."""
    text = resources.files("tutelage.hardware").joinpath("catalog.toml").read_text(encoding="utf-8")
    return tuple(_device(key, values) for key, values in tomllib.loads(text).items())


def find_device(name: str) -> Device:
    """Return the device that a name means: `A100`, `a100-80gb-sxm`, `NVIDIA A100-SXM4-80GB` and so on.

    Where memory or form are not said, the first entry of the model is meant; memory that no entry has means the nearest one.

    Raises:
        UsageError: No device is called so; the message names the nearest ones.

    Example:
        >>> find_device("a100-80gb-sxm").key, find_device("NVIDIA A100-PCIe-40GB").key, find_device("3090").key
        ('a100-sxm-80gb', 'a100-pcie-40gb', 'rtx-3090')
    """
    text = name.lower().replace("_", " ")
    memory, form = MEMORY.search(text), FORM.search(text)
    bare = MEMORY.sub(" ", FORM.sub(" ", text))
    models = (_model(bare), _model(BRACKETS.sub(" ", bare)))
    same = [device for device in devices() if device.model in models or device.key == text.strip()]
    if not same:
        raise UsageError(_unknown(name, models[0]))
    wanted_gb = float(memory[1]) if memory else 0.0

    def unlike(device: Device) -> tuple[float, bool]:
        is_other_form = bool(form) and device.form != (form[1] if form else "")
        return (abs(device.memory_bytes / 1e9 - wanted_gb) if wanted_gb else 0.0, is_other_form)

    right_form = [device for device in same if not unlike(device)[1]] or same
    exact = [device for device in same if device.key == text.strip()]
    return min(exact or right_form, key=unlike)


def _model(text: str) -> str:
    """Return the bare model name in the catalogue's spelling."""
    bare = re.sub(r"[^a-z0-9]", "", NOISE.sub(" ", text))
    known = {device.model for device in devices()}
    bare = OTHER_NAMES.get(bare, bare)
    return next((brand + bare for brand in BRANDS if brand + bare in known), bare)


def _unknown(name: str, model: str) -> str:
    """Say that no device is called so, and what may be meant."""
    keys = {device.key: device.model for device in devices()}
    near = sorted(keys, key=lambda key: -difflib.SequenceMatcher(None, model, keys[key]).ratio())[:3]
    is_near = difflib.SequenceMatcher(None, model, keys[near[0]]).ratio() >= MIN_LIKENESS
    hint = f" Did you mean {', '.join(near)}?" if is_near else ""
    return f"hardware {name!r} is not in the catalogue.{hint} All names: tutelage hardware --list"


def _device(key: str, values: Mapping[str, Any]) -> Device:
    """Make one device of its table, in bytes and FLOP/s."""
    return Device(
        key=key,
        name=values["name"],
        model=values["model"],
        maker=values["maker"],
        generation=values["generation"],
        form=values["form"],
        memory_bytes=values["memory_gb"] * 1e9,
        bandwidth=values["bandwidth"] * 1e9,
        tdp_w=float(values["tdp_w"]),
        peaks={precision: value * 1e12 for precision, value in values["tflops"].items()},
        link=values["link"] * 1e9,
        network=values["network"] * 1e9,
        per_node=values["per_node"],
        matmul_share=float(values.get("matmul_share", 0.0)),
        source=values["source"],
        is_verified=values["verified"],
    )
