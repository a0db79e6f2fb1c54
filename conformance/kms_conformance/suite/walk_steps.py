"""The steps of the lifecycle model's walks, drawn by Hypothesis from the seed before the first request of a walk.

No reply changes which steps are drawn, so the steps of a seed can be kept in the draw cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kms_conformance.suite.draw_cache import DrawCache, source_digest

#: One step as [number of the key, action, hours]; hours are for the action `time`. None begins a walk.
Step = Sequence[Any] | None

#: The actions of a walk. Those that are listed twice are drawn twice as often.
ACTIONS = (
    *(
        "schedule",
        "schedule",
        "cancel",
        "cancel",
        "enable",
        "disable",
        "encrypt",
        "decrypt",
        "generate_data_key",
        "time",
    ),
    *("schedule longest", "schedule below", "schedule above", "unknown cancel", "unknown enable", "unknown describe"),
)


def drawn_steps(walks: int, steps: int, seed: int, cache: DrawCache) -> list[Step]:
    """The steps of at most `walks` walks of at most `steps` steps each; the same for the same numbers."""
    return cache.drawn(
        draw_inputs(walks, steps, seed), lambda: _generated(walks, steps, seed), to_json=list, from_json=_checked
    )


def draw_inputs(walks: int, steps: int, seed: int) -> dict[str, object]:
    """All that the steps follow from, except the versions of packages; JSON types."""
    code = source_digest(Path(__file__))
    return {"kind": "walks", "code": code, "seed": seed, "walks": walks, "steps": steps}


def _checked(values: Any) -> list[Step]:  # noqa: ANN401 - JSON
    """The steps of a stored entry. Raises `ValueError` or `TypeError` for any other JSON."""
    for value in values:
        if value is not None:
            which, action, hours = value
            if action not in ACTIONS or not isinstance(which, int) or not isinstance(hours, int):
                raise ValueError(value)
    return list(values)


def _generated(walks: int, steps: int, seed: int) -> list[Step]:
    # Imported late: the import of Hypothesis takes 0.3 s.
    import hypothesis  # noqa: PLC0415
    from hypothesis import strategies as st  # noqa: PLC0415
    from hypothesis.stateful import (  # noqa: PLC0415
        RuleBasedStateMachine,
        initialize,
        rule,
        run_state_machine_as_test,
    )

    from kms_conformance.suite.fuzz.hypothesis_settings import set_hypothesis_storage  # noqa: PLC0415

    drawn: list[Step] = []

    class Machine(RuleBasedStateMachine):
        """Records the steps that Hypothesis draws for one walk."""

        @initialize()
        def begin(self) -> None:
            drawn.append(None)

        @rule(which=st.integers(0, 1), action=st.sampled_from(ACTIONS), hours=st.integers(1, 24 * 9))
        def step(self, which: int, action: str, hours: int) -> None:
            """The only rule, for all actions: of several rules, Hypothesis would disable some in each walk."""
            drawn.append([which, action, hours])

    set_hypothesis_storage()
    settings = hypothesis.settings(
        max_examples=walks,
        stateful_step_count=steps,
        database=None,
        deadline=None,
        phases=(hypothesis.Phase.generate,),
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    run_state_machine_as_test(hypothesis.seed(seed)(Machine), settings=settings)
    return drawn
