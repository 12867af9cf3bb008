"""Run all benchmarks, or those that are named: `python -m bench [NAME ...] [--save]`.

--save also writes bench/baselines/NAME-PROCESSOR.json.
"""

import argparse
import json
import re
import sys
from pathlib import Path

from bench import (
    calibration,
    endings,
    environments,
    forecasts,
    integrity,
    machine_model,
    memory,
    overhead,
    own_module,
    published_runs,
    sequences,
    startup,
    step_memory,
    stopping,
    table_memory,
    training_memory,
)
from bench.measure import machine

BENCHMARKS = {
    "startup": startup.run,
    "integrity": integrity.run,
    "overhead": overhead.run,
    "memory": memory.run,
    "table_memory": table_memory.run,
    "step_memory": step_memory.run,
    "training_memory": training_memory.run,
    "sequences": sequences.run,
    "environments": environments.run,
    "calibration": calibration.run,
    "stopping": stopping.run,
    "own_module": own_module.run,
    "endings": endings.run,
    "forecasts": forecasts.run,
    "machine_model": machine_model.run,
    "published_runs": published_runs.run,
}


def main(words: list[str]) -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure speed and forecasts, side by side.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all where none is named")
    parser.add_argument("--save", action="store_true", help="also write bench/baselines/NAME-PROCESSOR.json")
    asked = parser.parse_args(words)
    unknown = [name for name in asked.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}. Known: {', '.join(BENCHMARKS)}.")
    for name in asked.names or list(BENCHMARKS):
        record = {"benchmark": name, "machine": machine(), "result": BENCHMARKS[name]()}
        print(json.dumps(record, indent=1))
        if asked.save:
            found = record["machine"]
            name_of = found["card"] or ("amx" if found["amx"] else found["processor"])
            kind = re.sub(r"\W+", "-", name_of.lower())
            (Path(__file__).parent / "baselines" / f"{name}-{kind}.json").write_text(
                json.dumps(record, indent=1) + "\n", encoding="utf-8"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
