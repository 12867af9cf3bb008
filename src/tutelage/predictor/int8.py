"""A network with int8 products, as ONNX Runtime computes them: smaller by four, and faster on a CPU.

Use it for a model that answers on CPUs. It is inferred only, never trained. `static`: inputs of products are rounded by ranges
seen on train rows, which is fastest and suits convolutions; `dynamic`: by the range of each batch, which suits matrix products
whose inputs differ much. The tool is ONNX Runtime's (quantised operators between pairs of QuantizeLinear and DequantizeLinear):
torch's own eager and FX flows are being retired, and its successor needs a compiler on each machine.

Source: Quantizing deep convolutional networks for efficient inference (Krishnamoorthi 2018, arXiv 1806.08342), sections 2 and 3.
Differs from the paper: none; weights by channel, symmetric; inputs by tensor, asymmetric.
"""

import contextlib
import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from tutelage.core.errors import RunError, UsageError
from tutelage.core.shape.base import Shape
from tutelage.model.example import example_batch
from tutelage.model.layers.recurrence import with_onnx_kernels

__all__ = ["Graph", "Int8Method", "OnnxNetwork", "Products", "export_network", "graph_network", "quantized"]

Int8Method = Literal["static", "dynamic"]
Products = Literal["float32", "int8"]
INSTALL = "pip install 'tutelage[export]'"
OUTPUT = "outputs"
EXAMPLE_ROWS = 2
"""Rows of the batch that is traced; with one, the number of rows would be taken for a constant."""
LOOK_ROWS = 3
"""Rows that a network from a file is asked for before it counts."""
DIMENSIONS_OF_MEMBERS = 3


class Graph(BaseModel):
    """What a predictor's file says of such a network."""

    model_config = ConfigDict(extra="forbid", strict=True)
    num_members: Annotated[int, Field(ge=1, le=2**31)] = 1
    num_parameters: Annotated[int, Field(ge=0, le=2**53)] = 0
    products: Products = "float32"


class OnnxNetwork(nn.Module):
    """A network in ONNX, with the tensors in and outputs float32 [B, ...] out that the one had which it was made from."""

    content: Tensor

    def __init__(self, content: bytes, *, num_members: int = 1, num_parameters: int = 0, products: Products = "float32") -> None:
        """Open it.

        Args:
            content: An ONNX file.
            num_members: Of the network that it was made from: how many answers it gives for a row.
            num_parameters: How many numbers that network has learned.
            products: What its products are computed in.

        Raises:
            RunError: It is none.
            UsageError: ONNX Runtime is not installed.
        """
        super().__init__()
        # As a tensor, it travels in the predictor's file.
        self.register_buffer("content", torch.frombuffer(bytearray(content), dtype=torch.uint8))
        self.num_members = num_members
        self.num_parameters = num_parameters
        self.products = products
        self._session = _session(content)
        self._names = [one.name for one in self._session.get_inputs()]

    def forward(self, *tensors: Tensor) -> Tensor:
        """Return the outputs for a batch on the CPU.

        Raises:
            RunError: ONNX Runtime cannot compute them.
        """
        fed = {name: tensor.contiguous().numpy() for name, tensor in zip(self._names, tensors, strict=True)}
        try:
            return torch.from_numpy(self._session.run(None, fed)[0])
        except Exception as error:  # a border: the runtime's errors have no common class
            raise RunError(f"ONNX Runtime cannot compute the network: {str(error).strip()[:300]}") from error

    def require(self, batch: Mapping[str, Tensor]) -> None:
        """Refuse a network that does not take what the model takes, or does not give outputs for each row and member.

        Args:
            batch: Some rows, in the order in which the model takes their tensors.

        Raises:
            ValueError, RunError: It is such a network; with what was found.
        """
        if len(batch) != len(self._names):
            taken = ", ".join(self._names)[:100]
            raise ValueError(f"its network takes {len(self._names)} tensors ({taken}), expected {', '.join(batch)}")
        rows, found = len(next(iter(batch.values()))), self(*batch.values())
        has_members = found.dim() == DIMENSIONS_OF_MEMBERS and found.shape[1] == self.num_members
        is_right = has_members if self.num_members > 1 else 0 < found.dim() < DIMENSIONS_OF_MEMBERS
        if found.dtype != torch.float32 or not is_right or len(found) != rows:
            said = f"{str(found.dtype).removeprefix('torch.')} of sizes {tuple(found.shape)}"
            raise ValueError(
                f"its network gives {said} for {rows} rows and {self.num_members:,} members, expected float32 for each"
            )

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return another of the same content: a session cannot be copied."""
        return type(self)(self.file(), **self.record())

    def record(self) -> dict[str, Any]:
        """Return its settings as JSON values."""
        return {"num_members": self.num_members, "num_parameters": self.num_parameters, "products": self.products}

    def file(self) -> bytes:
        """Return the ONNX file."""
        return self.content.numpy().tobytes()


def graph_network(record: Graph, weights: Mapping[str, Tensor], shape: Shape) -> OnnxNetwork:
    """Return the network that a file holds, once it has answered for a few rows.

    Raises:
        ValueError, RunError: It is none for what the model takes.
    """
    content = weights.get("content")
    if len(weights) != 1 or content is None or content.dtype != torch.uint8:
        raise ValueError(f"{len(weights)} tensors ({', '.join(sorted(weights)[:3])}): expected one, the ONNX file as content")
    network = OnnxNetwork(content.numpy().tobytes(), **record.model_dump())
    network.require(example_batch(shape, LOOK_ROWS))
    return network


class _ByName(nn.Module):
    """A network that takes its tensors by name: some take any number of them, of which a tracer cannot say the sizes."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        """Return the network's outputs."""
        outputs: Tensor = self.network(*batch.values())
        return outputs


def export_network(network: nn.Module, batch: Mapping[str, Tensor], *, free: Sequence[str] = ()) -> bytes:
    """Return a network as an ONNX file, for any number of rows.

    Args:
        network: Takes the tensors of the batch, in their order.
        batch: Some rows.
        free: Tensors whose second size differs from batch to batch, such as the length of a text.

    Raises:
        RunError: ONNX has no words for what it does.
        UsageError: The packages for it are not installed.
    """
    _require("onnxscript")
    rows = torch.export.Dim("rows", min=1, max=2**31 - 1)
    sizes = {name: {0: rows, **({1: torch.export.Dim.AUTO} if name in free else {})} for name in batch}
    with tempfile.TemporaryDirectory(prefix="tutelage-") as folder, _silent(), torch.no_grad():
        path = Path(folder) / "network.onnx"
        try:
            torch.onnx.export(
                with_onnx_kernels(_ByName(network).eval()),
                (),
                str(path),
                kwargs={"batch": dict(batch)},
                dynamo=True,
                input_names=list(batch),
                output_names=[OUTPUT],
                dynamic_shapes={"batch": sizes},
                external_data=False,
                verbose=False,
            )
        except Exception as error:  # a border: whatever torch says of a network that it cannot export
            raise RunError(f"{type(network).__name__} cannot be written as ONNX: {_first_lines(error)}") from error
        return path.read_bytes()


def _first_lines(error: BaseException) -> str:
    """Return what was wrong at the bottom of an error, without what is said to developers."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).strip()[:300]


def quantized(content: bytes, batches: Sequence[Mapping[str, np.ndarray]], *, method: Int8Method) -> bytes:
    """Return an ONNX file with its products in int8.

    Args:
        content: An ONNX file in float32.
        batches: Inputs of train rows by name, from which `static` takes its ranges; `dynamic` needs none.
        method: How inputs of products are rounded.

    Raises:
        RunError: It cannot be quantised.
        UsageError: The packages for it are not installed.
    """
    _require("onnx")
    from onnxruntime import quantization as q

    with tempfile.TemporaryDirectory(prefix="tutelage-") as folder, _silent():
        source, prepared, target = (Path(folder) / f"{name}.onnx" for name in ("source", "prepared", "target"))
        source.write_bytes(content)
        try:
            _prepare(str(source), str(prepared))
            if method == "dynamic":
                q.quantize_dynamic(str(prepared), str(target), per_channel=True, weight_type=q.QuantType.QInt8)
            else:
                q.quantize_static(
                    str(prepared),
                    str(target),
                    _Ranges(batches),
                    quant_format=q.QuantFormat.QDQ,
                    per_channel=True,
                    weight_type=q.QuantType.QInt8,
                    activation_type=q.QuantType.QUInt8,
                )
        except Exception as error:  # a border: whatever the tool says of a graph that it cannot change
            raise RunError(f"cannot be quantised ({method}): {str(error).strip()[:300]}") from error
        return target.read_bytes()


def _prepare(source: str, target: str) -> None:
    """Fold constants and join operators; sizes of all tensors are found out where the tool can, which it cannot within loops."""
    from onnxruntime.quantization.shape_inference import quant_pre_process

    try:
        quant_pre_process(source, target)
    except Exception:  # a border: it fails in many ways, and products are found without the sizes too
        quant_pre_process(source, target, skip_symbolic_shape=True)


class _Ranges:
    """Hands batches over as ONNX Runtime's calibration asks for them."""

    def __init__(self, batches: Sequence[Mapping[str, np.ndarray]]) -> None:
        self._left = iter(batches)

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Return the next batch, None at the end."""
        batch = next(self._left, None)
        return None if batch is None else dict(batch)


def _session(content: bytes) -> Any:
    """Open an ONNX file on the CPU, with as many threads as torch has."""
    runtime = _require("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 4  # what is wrong is raised too
    try:
        return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # a border: the runtime's errors have no common class
        raise RunError(f"ONNX Runtime cannot open the network: {str(error).strip()[:300]}") from error


def _require(package: str) -> Any:
    """Return an optional package.

    Raises:
        UsageError: It is not installed.
    """
    try:
        return __import__(package)
    except ImportError as error:
        raise UsageError(f"int8 needs {package}: {INSTALL}") from error


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep what exporter and quantiser tell of their own work from the user."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
