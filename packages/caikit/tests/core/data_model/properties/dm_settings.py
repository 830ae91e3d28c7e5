"""How many examples the property tests try: CAIKIT_PROPERTY_SCALE=20 tries twenty times as many."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

SCALE = float(os.environ.get("CAIKIT_PROPERTY_SCALE", "1"))
SECONDS = 400 * max(1, SCALE)
"""Making a failing example small may take minutes."""


def examples(count: int, **kwargs: object) -> settings:
    """Settings for a test that tries this many examples."""
    return settings(
        max_examples=max(1, int(count * SCALE)),
        deadline=None,
        print_blob=True,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.target, Phase.shrink),
        **kwargs,
    )
