"""A file of torch.export that would run more than a graph is refused before torch loads it."""

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tutelage.core.errors import RunError
from tutelage.export.plain_archive import read_entry, require_plain
from tutelage.export.torch_export import TorchExport

pytestmark = pytest.mark.filterwarnings("ignore")
GRAPH, WEIGHTS = "m/models/model.json", "m/data/weights/model_weights_config.json"
EXAMPLES = "m/data/sample_inputs/model.pt"
Entries = dict[str, bytes]


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 2)
        self.register_buffer("added", torch.ones(2), persistent=False)

    def forward(self, given: dict[str, Tensor]) -> dict[str, Tensor]:
        x_BF = given["x"]
        return {"y": self.linear(x_BF.reshape(2 * x_BF.shape[0] // 2, 3)) + self.added}


class Loud:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("/nonexistent/loud"),)


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> Entries:
    path = tmp_path_factory.mktemp("plain") / "m.pt2"
    shapes = {"given": {"x": {0: torch.export.Dim.DYNAMIC}}}
    program = torch.export.export(Net(), ({"x": torch.ones(4, 3)},), dynamic_shapes=shapes, strict=False)
    program.example_inputs = None
    torch.export.save(program, path, extra_files={"tutelage.json": json.dumps({"inputs": []})})
    with zipfile.ZipFile(path) as whole:
        return {name: whole.read(name) for name in whole.namelist()}


def written(entries: Entries, folder: Path) -> Path:
    path = folder / "m.pt2"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as whole:
        for name, content in entries.items():
            whole.writestr(name, content)
    return path


def test_a_plain_archive_is_taken(entries: Entries, tmp_path: Path) -> None:
    path = written(entries, tmp_path)
    require_plain(path)
    assert json.loads(read_entry(path, "tutelage.json")) == {"inputs": []}
    assert "y" in torch.export.load(path).module()({"x": torch.ones(2, 3)})


def replaced(name: str, old: str, new: str) -> Callable[[Entries], Entries]:
    def change(entries: Entries) -> Entries:
        assert old.encode() in entries[name]
        return entries | {name: entries[name].replace(old.encode(), new.encode())}

    return change


def added(name: str, content: bytes = b"") -> Callable[[Entries], Entries]:
    return lambda entries: entries | {name: content}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (replaced(WEIGHTS, '"use_pickle": false', '"use_pickle": true'), "is an object of Python"),
        (replaced(WEIGHTS, '"weight_0"', '"../constants/weight_0"'), "is an object of Python"),
        (added("m/data/constants/opaque_obj_0", pickle.dumps(Loud())), "an entry 'data/constants/opaque_obj_0'"),
        (added("m/data/weights/model.pt", pickle.dumps(Loud())), "an entry 'data/weights/model.pt'"),
        (added("m/data/aotinductor/model/loud.so"), "an entry 'data/aotinductor"),
        (added("version", b"1.0"), "reading it"),
        (added(EXAMPLES, pickle.dumps(Loud())), "example inputs, which torch unpickles"),
        (replaced(GRAPH, "torch.ops.aten.add.Tensor", "torch.os.system"), "calls 'torch.os.system'"),
        (replaced(GRAPH, "Symbol('s", "__import__('os').system('s"), "a size is written as"),
        (lambda entries: {"m/x": b""}, "reading it"),
    ],
)
def test_an_archive_that_would_run_something_else_is_refused(
    entries: Entries, tmp_path: Path, change: Callable[[Entries], Entries], found: str
) -> None:
    with pytest.raises(RunError, match=found):
        require_plain(written(change(entries), tmp_path))


def test_the_format_refuses_it_too(entries: Entries, tmp_path: Path) -> None:
    path = written(added("m/data/constants/opaque_obj_0", pickle.dumps(Loud()))(entries), tmp_path)
    with pytest.raises(RunError, match="opaque_obj_0"):
        TorchExport().read(path)
