"""Stored tensors: verified when read, refused with a reason, equal contents in equal files, and not copied to be hashed."""

import json
import os
import resource
from pathlib import Path
from typing import Any

import pytest
import safetensors
import torch
from safetensors.torch import save_file
from torch import Tensor

from tutelage.core.errors import OutOfMemoryError, RunError
from tutelage.model.stored import hash_tensors, load_tensors, read_seal, save_tensors

FORMATS = ("test-1",)
VALUES = {
    "clock": [3, 12],
    "name": 'straße "x" \\ 1',
    "score": float("inf"),
    "none": None,
    "tiny": 5e-324,
    "nested": {"b": 1, "a": [True]},
}


def tensors() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    floats = torch.randn(7, 5, generator=generator)
    return {
        "w": floats,
        "half": floats.bfloat16(),
        "count": torch.tensor(4),
        "mask": floats > 0,
        "empty": torch.zeros(0, 3),
        "wave": torch.complex(floats, -floats),
    }


def forge(path: Path, entry: object) -> None:
    """Write a file whose header says anything."""
    save_file({"w": torch.zeros(2)}, path, {"tutelage": entry if isinstance(entry, str) else json.dumps(entry)})


def test_what_was_stored_is_read_with_its_types_and_values(tmp_path: Path) -> None:
    sha = save_tensors(tmp_path / "a" / "x.safetensors", tensors(), format="test-1", values=VALUES)
    stored = load_tensors(tmp_path / "a" / "x.safetensors", formats=FORMATS)
    assert (stored.values, stored.format) == (VALUES, "test-1")
    assert stored.tensors.keys() == tensors().keys()
    assert all(value.dtype == stored.tensors[key].dtype for key, value in tensors().items())
    assert all(torch.equal(value, stored.tensors[key]) for key, value in tensors().items())
    assert sha == hash_tensors(stored.tensors)


def test_a_file_below_a_name_that_is_no_unicode_is_read(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/r\xe9/x.safetensors"))
    sha = save_tensors(path, tensors(), format="test-1", values=VALUES)
    stored, num_open = load_tensors(path, formats=FORMATS), len(list(Path("/dev/fd").iterdir()))
    assert hash_tensors(stored.tensors) == sha
    assert read_seal(path) == stored.seal
    assert len(list(Path("/dev/fd").iterdir())) == num_open


def test_equal_contents_are_equal_files_with_one_header_entry_that_others_may_read(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    save_tensors(one, tensors(), format="test-1", values=VALUES)
    save_tensors(two, dict(reversed(tensors().items())), format="test-1", values=VALUES)
    assert one.read_bytes() == two.read_bytes()
    with safetensors.safe_open(one, framework="pt") as file:
        assert list(file.metadata()) == ["tutelage"]
    plain = tmp_path / "plain"
    plain.touch()
    assert one.stat().st_mode == plain.stat().st_mode
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "plain", "two"]


@pytest.mark.parametrize("key", sorted(tensors()))
def test_names_types_shapes_and_bytes_enter_the_hash_but_not_their_order(key: str) -> None:
    whole = hash_tensors(tensors())
    assert hash_tensors(dict(reversed(tensors().items()))) == whole
    changes: list[dict[str, Tensor]] = [
        {**tensors(), f"{key}2": torch.zeros(1)},
        {name if name != key else f"{key}2": value for name, value in tensors().items()},
        {**tensors(), key: tensors()[key].reshape(1, -1)},
    ]
    if tensors()[key].numel():
        flipped = tensors()[key].clone()
        flipped.view(-1)[0] = flipped.view(-1)[0] == 0
        changes.append({**tensors(), key: flipped})
    assert all(hash_tensors(changed) != whole for changed in changes)


def test_hashing_reads_the_tensors_own_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    class Spy:
        """Notes where the bytes lie that are hashed."""

        def update(self, data: Any) -> None:
            if isinstance(data, memoryview):
                seen.append(torch.frombuffer(data, dtype=torch.uint8).data_ptr())

        def hexdigest(self) -> str:
            return ""

    monkeypatch.setattr("hashlib.sha256", lambda *_: Spy())
    held = torch.randn(1000)
    hash_tensors({"w": held})
    assert seen == [held.data_ptr()]


def test_every_flipped_bit_is_found(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    save_tensors(path, {"w": torch.arange(5.0)}, format="test-1", values={"clock": [3, 12]})
    whole = path.read_bytes()
    for position in range(len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        with pytest.raises(RunError, match=r"x\.safetensors"):
            load_tensors(path, formats=FORMATS)


def test_every_cut_off_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    save_tensors(path, {"w": torch.arange(5.0)}, format="test-1", values={})
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(RunError, match="cannot be read"):
            load_tensors(path, formats=FORMATS)


def test_a_file_longer_than_its_header_says_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    save_tensors(path, {"w": torch.arange(5.0)}, format="test-1", values={})
    with path.open("r+b") as file:
        file.truncate(100 * 2**30)
    with pytest.raises(RunError, match=r"107,374,182,400 bytes, its header says"):
        load_tensors(path, formats=FORMATS)


def test_a_missing_file_says_what_may_have_happened(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"nowhere: is missing\. Finish the run if it has not ended; else bring"):
        load_tensors(tmp_path / "nowhere", formats=FORMATS)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot be read"):
        load_tensors(tmp_path, formats=FORMATS)


def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    save_file({"w": torch.zeros(2)}, tmp_path / "x")
    with pytest.raises(RunError, match="was not written by tutelage"):
        load_tensors(tmp_path / "x", formats=FORMATS)


@pytest.mark.parametrize("old", ["checkpoint-1", "predictor-1"])
def test_an_old_format_is_refused_by_name(old: str, tmp_path: Path) -> None:
    forge(tmp_path / "x", {"format": old, "digest": "0", "values": {}})
    with pytest.raises(RunError, match=rf"format '{old}'; this version reads 'test-1' or 'test-2'\. Train anew"):
        load_tensors(tmp_path / "x", formats=("test-1", "test-2"))


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ("{", "not JSON"),
        ([], "format = None, expected a str"),
        ({"format": 3, "sha256": "", "values": {}}, "format = 3, expected a str"),
        ({"format": "test-1", "values": {}}, "sha256 = None, expected a str"),
        ({"format": "test-1", "sha256": "", "values": "{}"}, "values = '{}', expected a dict"),
        ({"format": "test-1", "sha256": "", "values": {}}, "does not match its SHA-256"),
    ],
)
def test_a_header_of_wrong_types_is_refused_with_what_was_found(entry: object, found: str, tmp_path: Path) -> None:
    forge(tmp_path / "x", entry)
    with pytest.raises(RunError, match=found) as caught:
        load_tensors(tmp_path / "x", formats=FORMATS)
    assert str(tmp_path / "x") in str(caught.value)
    assert "train anew" in str(caught.value)


def test_a_full_disk_says_how_much_was_needed_and_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    save_tensors(path, {"w": torch.zeros(3)}, format="test-1", values={})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(RunError, match=r"x\.safetensors: cannot be written .* needs 4,000,002 bytes; [\d,]+ are free in"):
            save_tensors(path, {"w": torch.zeros(1_000_000)}, format="test-1", values={})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert torch.equal(load_tensors(path, formats=FORMATS).tensors["w"], torch.zeros(3))
    assert list(tmp_path.iterdir()) == [path]


def test_a_lack_of_memory_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_large(path: Path) -> None:
        raise MemoryError

    save_tensors(tmp_path / "x", {"a": torch.ones(3)}, format="test-1", values={})
    monkeypatch.setattr("tutelage.model.stored._open", too_large)
    with pytest.raises(OutOfMemoryError, match="takes more memory than there is"):
        load_tensors(tmp_path / "x", formats=["test-1"])
