"""Variants whose reads or cryptographic operations lag behind, for less than the settle time of their profile."""

from __future__ import annotations

from collections.abc import Mapping

from kms_conformance.apps.selftest.deviation import ALIBABA, ALL, AWS, HUAWEI, Variant
from kms_conformance.apps.selftest.lag import MODELS, Model

# The lags in seconds under the profile `documents`, whose settle time is 2 s.
_MIDDLE, _NEARLY_TOO_LONG = 0.7, 1.8
_LAGS: Mapping[str, tuple[float, ...]] = {
    "steady": (0.3, _MIDDLE, 1.0, 1.5, _NEARLY_TOO_LONG),
    "flapping-in-pairs": (_MIDDLE,),
    "flapping-at-random": (1.0,),
    "everywhere": (_MIDDLE, 1.5),
    "anywhere": (_MIDDLE,),
}
# The profiles of clouds, whose settle times are 30 s and more, and the lag in seconds of their variants.
_CLOUDS = ((HUAWEI, "otc"), (HUAWEI, "huawei-cloud"), (ALIBABA, "alibaba-cloud"), (AWS, "aws-kms"))
_CLOUD_LAG = 3.0
_IN_CLOUDS = frozenset({"steady", "flapping", "data-plane", "belongings", "anywhere"})


def _variant(model: Model, seconds: float, dialects: tuple[str, ...], profile: str = "documents") -> Variant:
    where = "" if profile == "documents" else f"-{profile}"
    return Variant(
        f"lag-{model.name}-{seconds:g}{where}",
        f"{model.title}, by {seconds:g} s.",
        dialects,
        model.decisions(seconds),
        profile=profile,
        about="lag",
        # Combined with others, it would be shown to runs under a profile that allows less.
        alone=profile != "documents",
    )


LAGGING: tuple[Variant, ...] = (
    *(
        _variant(model, seconds, ALL)
        for model in MODELS
        for seconds in _LAGS.get(model.name, (_MIDDLE, _NEARLY_TOO_LONG))
    ),
    *(
        _variant(model, _CLOUD_LAG, (dialect,), profile)
        for model in MODELS
        for dialect, profile in _CLOUDS
        if model.name in _IN_CLOUDS
    ),
)
