"""An attack from outside: damaged files, forged artefacts, bad data, faults and kills, each with its verdict.

    python -m tests.attack               everything (hours)
    python -m tests.attack flips kills   some kinds
    python -m tests.attack --sample      a few cases of each kind (minutes)
    python -m tests.attack flips --every 20   one case of twenty, spread over all of them

Each case ends in the right answer, an announced fall-back, or a refusal (exit 2 or 3) that names file, place and remedy.
"""
