"""Help: every verb says what it does, every word what it means, and every example is understood."""

import shlex

import pytest

from tutelage.cli.failure import Parser
from tutelage.cli.main import build_parser
from tutelage.cli.verbs import VERBS


def parsers() -> dict[str, Parser]:
    """Return the parser of each verb."""
    verbs = next(action for action in build_parser()._actions if action.dest == "verb")
    assert isinstance(verbs.choices, dict)
    return verbs.choices


def test_every_verb_is_told_of() -> None:
    assert set(parsers()) == set(VERBS)
    listed = build_parser().format_help()
    assert all(f"    {name} " in listed for name in VERBS), "each verb stands on the line that says what it does"


@pytest.mark.parametrize("name", VERBS)
def test_the_help_of_a_verb_says_what_it_does_and_what_each_word_means(name: str) -> None:
    shown = parsers()[name].format_help()
    assert " ".join(VERBS[name].does.split()) in " ".join(shown.split())
    assert VERBS[name].does.endswith(".")
    assert all(action.help for action in parsers()[name]._actions)


@pytest.mark.parametrize(("name", "example"), [(name, example) for name, verb in VERBS.items() for example in verb.examples])
def test_every_example_is_shown_as_it_is_typed_and_understood(name: str, example: str) -> None:
    typed = example if "tutelage" in example else f"tutelage {example}"
    assert f"\n  {typed}\n" in parsers()[name].format_help()
    assert build_parser().parse_args(shlex.split(typed.partition("tutelage ")[2])).verb == name
