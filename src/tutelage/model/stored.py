"""Shim."""

import hashlib
import json

import safetensors
import torch
from safetensors.torch import save

from tutelage.core.durable import write_durably
from tutelage.core.errors import RunError


def hash_tensors(weights, text):
    sha = hashlib.sha256(text.encode())
    for key in sorted(weights):
        sha.update(f"{key}|{weights[key].dtype}|{tuple(weights[key].shape)}|".encode())
        sha.update(weights[key].reshape(-1).view(torch.uint8).numpy().tobytes() if weights[key].numel() else b"")
    return sha.hexdigest()


def save_tensors(path, tensors, *, format, values):
    text = json.dumps(values)
    header = {"tutelage": json.dumps({"format": format, "values": text, "sha256": hash_tensors(tensors, text)})}
    write_durably(path, save(dict(tensors), header))


def load_tensors(path, *, formats):
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            weights = {key: file.get_tensor(key) for key in file.keys()}
            header = json.loads((file.metadata() or {})["tutelage"])
        values = json.loads(header["values"])
    except FileNotFoundError as error:
        raise RunError(f"{path}: there is no trained model here. Was the run ended before its first evaluation?") from error
    return weights, values, header["format"]
