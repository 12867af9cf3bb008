"""How much memory a training on very many images takes: `python -m bench.memory [NUM_IMAGES [WORDS OF THE COMMAND]]`.

Makes random pictures of 96x96 in color (PNG and JPEG by turns) in a temporary folder, trains on them for 20 steps with the real
command, and looks at the process 50 times a second. Memory is told apart as the system does: `anonymous` is the process's own,
`file` is what it has mapped of files, which the system takes back when it needs room. Goal: 200,000 images within 2 GB beside
the memory map.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench.measure import machine

NUM_IMAGES, SIDE, STEPS = 20_000, 96, 20
LOOK_EVERY_S = 0.02
GOAL_BYTES = 2 * 10**9
KINDS = {"RssAnon": "anonymous", "RssFile": "file", "RssShmem": "shared", "VmRSS": "all"}


def make_pictures(folder: Path, num_images: int) -> None:
    """Write pictures of two classes: coarse noise, which files keep small and nothing can be learned from."""
    random = np.random.default_rng(0)
    for name in ("first", "second"):
        (folder / name).mkdir(parents=True)
    for index in range(num_images):
        coarse = Image.fromarray(random.integers(0, 256, size=(6, 6, 3), dtype=np.uint8))
        suffix = "png" if index % 4 < 2 else "jpg"
        path = folder / ("first" if index % 2 else "second") / f"{index:06d}.{suffix}"
        coarse.resize((SIDE, SIDE), Image.Resampling.BILINEAR).save(path, compress_level=1, quality=80)


def memory_of(process: int) -> dict[str, int]:
    """Return the resident memory of a process by kind, in bytes; nothing where it has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    parts = [line.partition(":") for line in lines]
    return {KINDS[name]: int(value.split()[0]) * 1024 for name, _, value in parts if name in KINDS}


def watch(command: Sequence[str], *, environ: dict[str, str]) -> dict[str, Any]:
    """Run a command and return its peaks, each by itself, and how long it took.

    Raises:
        RuntimeError: It failed.
    """
    peaks: dict[str, int] = dict.fromkeys(KINDS.values(), 0)
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, env=environ, stdout=said, stderr=said)
        while process.poll() is None:
            for kind, size_bytes in memory_of(process.pid).items():
                peaks[kind] = max(peaks[kind], size_bytes)
            time.sleep(LOOK_EVERY_S)
        said.seek(0)
        if process.returncode:
            raise RuntimeError(said.read())
    return {f"peak_{kind}_mb": round(size / 1e6) for kind, size in peaks.items()} | {"seconds": round(time.monotonic() - began)}


def run(num_images: int = NUM_IMAGES, words: Sequence[str] = ()) -> dict[str, Any]:
    """Return the figures of one training."""
    with tempfile.TemporaryDirectory() as folder:
        make_pictures(Path(folder) / "pictures", num_images)
        environ = {**os.environ, "TUTELAGE_CACHE": f"{folder}/cache"}
        command = [
            sys.executable,
            "-m",
            "tutelage",
            "train",
            f"{folder}/pictures",
            "--steps",
            str(STEPS),
            "--out",
            f"{folder}/run",
        ]
        figures = watch([*command, "--quiet", *words], environ=environ)
    return {
        "num_images": num_images,
        "pixels_mb": round(num_images * SIDE * SIDE * 3 / 1e6),
        **figures,
        "goal_mb": GOAL_BYTES // 10**6,
    }


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else NUM_IMAGES
    print(json.dumps({"benchmark": "memory", "machine": machine(), "result": run(count, sys.argv[2:])}, indent=1))
