"""Every file name inside a run folder, in one place."""

__all__ = [
    "BEST",
    "BIRTH_MARK",
    "BORN",
    "CHECKPOINT_SUFFIX",
    "DATA",
    "ENV",
    "EVENTS",
    "FILES",
    "FOLDERS",
    "FORMATS",
    "LAST",
    "LOGS",
    "MANIFEST",
    "METRICS",
    "PLAN",
    "PREDICTOR",
    "RECIPE",
    "REPORT",
    "RESULT",
    "STEPS",
    "TEST_OPENED",
]

RECIPE = "recipe.toml"
PLAN = "plan.json"
ENV = "env.json"
DATA = "data.json"
EVENTS = "events.jsonl"
METRICS = "metrics.jsonl"
TEST_OPENED = "test_opened.json"
RESULT = "result.json"
REPORT = "report.html"
MANIFEST = "manifest.jsonl"
BEST = "best"
LAST = "last"
STEPS = "steps"
PREDICTOR = "predictor.safetensors"
CHECKPOINT_SUFFIX = ".safetensors"

FILES = (RECIPE, PLAN, ENV, DATA, EVENTS, METRICS, TEST_OPENED, RESULT, REPORT, MANIFEST)
"""Files of a run folder itself."""
FOLDERS = (BEST, LAST, STEPS)
"""Folders in it; all of their files end in the suffix."""
BORN = (RECIPE, ENV, DATA, PLAN)
"""Written before the first step, and never changed."""
LOGS = (EVENTS, METRICS)
"""Grow by whole lines."""
BIRTH_MARK = ".birth"
"""In a folder whose plan is not there yet: whatever else is in it was put there by the run that began."""

FORMATS = {ENV: "env-1", DATA: "data-1", TEST_OPENED: "test-opened-1", RESULT: "result-1"}
"""What these say under `format`; plan, recipe, checkpoints, predictors and manifest have theirs where they are read."""
