"""Whether one of two rival networks has won is told once, and only where it stays so."""

import json

from tutelage.diagnosis.rivalry import Look, Rivalry


def told(*looks: Look) -> list[str]:
    rivalry, said = Rivalry(), []
    for look in looks:
        rivalry.latest = look
        said += rivalry.judge()
    return said


HEALTHY = Look(lead=0.7, width=0.95, coverage=0.8)


def test_a_healthy_training_is_not_warned_of() -> None:
    assert told(*[Look(0.99, 0.05, 0.0)] * 2, *[HEALTHY] * 6) == []


def test_samples_that_are_all_alike_are_a_collapse_told_once() -> None:
    assert told(*[Look(0.8, 0.1, 0.05)] * 9) == []
    said = told(*[Look(0.8, 0.1, 0.05)] * 12)
    assert len(said) == 1
    assert "mode collapse: generated samples spread 10%" in said[0]
    assert "--set task.game" in said[0]


def test_what_was_covered_and_is_lost_is_a_collapse() -> None:
    said = told(*[HEALTHY] * 7, *[Look(0.7, 0.9, 0.3)] * 3)
    assert len(said) == 1
    assert "30% of the real samples have a generated one near, at best it was 80%" in said[0]


def test_a_single_bad_look_says_nothing() -> None:
    assert told(*[HEALTHY] * 4, Look(1.0, 0.1, 0.1), *[HEALTHY] * 3) == []


def test_a_critic_that_tells_all_is_named() -> None:
    said = told(*[Look(0.999, 0.9, 0.6)] * 5)
    assert len(said) == 1
    assert "the critic is 99.9% sure" in said[0]


def test_a_critic_that_tells_all_while_the_generator_learns_is_not_warned_of() -> None:
    assert told(*[Look(0.999, 0.9, 0.3 + 0.05 * number) for number in range(8)]) == []


def test_nothing_is_judged_before_something_was_seen() -> None:
    assert Rivalry().judge() == []


def test_what_was_seen_before_a_resume_counts_after_it() -> None:
    looks = [*[Look(0.8, 0.1, 0.05)] * 8, Look(0.8, float("nan"), None), *[Look(0.8, 0.1, 0.05)] * 3]
    straight, said = Rivalry(), []
    for number, look in enumerate(looks):
        if number in (6, 9, 12):
            memory = json.loads(json.dumps(straight.memory(), allow_nan=False))
            straight = Rivalry(latest=look)
            straight.recall(memory)
        straight.latest = look
        said += straight.judge()
    assert said == told(*looks)
    assert len(said) == 1
    again = Rivalry()
    again.recall(straight.memory())
    again.latest = looks[-1]
    assert again.judge() == [], "what was told before is not told again"
