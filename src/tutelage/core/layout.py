"""Every file name inside a run folder, in one place."""

__all__ = [
    "BEST",
    "CHECKPOINT_SUFFIX",
    "DATA",
    "ENV",
    "EVENTS",
    "FILES",
    "FOLDERS",
    "LAST",
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
BEST = "best"
LAST = "last"
STEPS = "steps"
PREDICTOR = "predictor.safetensors"
CHECKPOINT_SUFFIX = ".safetensors"

FILES = (RECIPE, PLAN, ENV, DATA, EVENTS, METRICS, TEST_OPENED, RESULT, REPORT)
"""Files of a run folder itself."""
FOLDERS = (BEST, LAST, STEPS)
"""Folders in it; all of their files end in the suffix."""
