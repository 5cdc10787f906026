"""What creatives really made so far, in the terms of a target; after refunds as far as refunds have closed."""

from collections.abc import Callable

import numpy as np

from features.arrays import Floats
from features.stages import KEEP
from features.targets import TARGETS


def actual_values(target: str, counted: Callable[[str], Floats]) -> Floats:
    """Actual value of a rate target of each creative, or of each group of them; NaN where nothing was exposed.

    Money after refunds is compared with the spend of the same, settled periods, as in the reasons of decisions; per
    impression it is money before refunds times the share that is kept of settled money.

    Args:
        target: A rate target.
        counted: Column of metrics → (n,) sums so far.
    """
    kind = TARGETS[target]
    if not kind.net:
        return kind.rate(counted(kind.numerator), counted(kind.exposure))
    if kind.is_roi:
        return kind.rate(counted(kind.numerator), counted("settled_spend_cny"))
    kept, settled = counted(KEEP.numerator), counted(KEEP.exposure)
    keep = np.divide(kept, settled, out=np.ones_like(settled), where=settled > 0)
    return kind.gross.rate(counted(kind.gross.numerator), counted(kind.exposure)) * keep
