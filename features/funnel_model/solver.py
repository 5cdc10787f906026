"""Solves (X'WX + Λ) b = X'Wz, and says how sure each coefficient is.

Up to DENSE columns exactly (Cholesky). Of more, the largest terms leave the exact part, and conjugate gradients,
preconditioned by it and by the diagonal of the rest, solve for all: memory then grows with the rows, not with the
square of the columns.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import linalg, sparse
from scipy.sparse.linalg import LinearOperator, cg

Floats = npt.NDArray[np.float64]

DENSE = 1500
TOLERANCE = 1e-8


def solve(
    columns: sparse.csr_matrix, sizes: Sequence[int], weight: Floats, target: Floats, ridge: Floats, begin: Floats
) -> tuple[Floats, Floats]:
    """Coefficients, and the posterior variance of each.

    Args:
        columns: X, one row a creative.
        sizes: Columns of each term, in the order of X: a term is solved as a whole.
        weight: Diagonal of W.
        target: z.
        ridge: Diagonal of Λ, above 0.
        begin: Coefficients to begin from, where conjugate gradients are needed.

    Returns:
        Solution, and the diagonal of the inverse; of terms outside the exact part, that of their own block.
    """
    weighted = columns.multiply(weight[:, None]).tocsr()
    right = np.asarray(weighted.T @ target)
    diagonal = np.asarray(weighted.multiply(columns).sum(axis=0)).ravel() + ridge
    exact = _exact_part(sizes)
    inner = columns[:, exact]
    square = np.asarray((weighted[:, exact].T @ inner).todense())
    square[np.diag_indices_from(square)] += ridge[exact]
    factor = linalg.cholesky(square, lower=True, overwrite_a=True, check_finite=False)
    variance = 1.0 / diagonal
    variance[exact] = (linalg.lapack.dtrtri(factor, lower=1)[0] ** 2).sum(axis=0)
    if len(exact) == columns.shape[1]:
        return linalg.cho_solve((factor, True), right, check_finite=False), variance

    def precondition(values: Floats) -> Floats:
        told = values / diagonal
        told[exact] = linalg.cho_solve((factor, True), values[exact], check_finite=False)
        return told

    shape = (len(right), len(right))
    system = LinearOperator(shape, matvec=lambda b: weighted.T @ (columns @ b) + ridge * b, dtype=np.float64)
    solution, _ = cg(
        system, right, x0=begin, rtol=TOLERANCE, M=LinearOperator(shape, matvec=precondition, dtype=np.float64)
    )
    return solution, variance


def _exact_part(sizes: Sequence[int]) -> npt.NDArray[np.int64]:
    """Columns of the smallest terms, as many as are solved exactly."""
    starts = np.concatenate([[0], np.cumsum(sizes)])
    chosen: list[int] = []
    room = DENSE
    for place in np.argsort(sizes, kind="stable"):
        if sizes[place] > room:
            break
        room -= sizes[place]
        chosen.extend(range(starts[place], starts[place + 1]))
    return np.sort(np.array(chosen, dtype=np.int64))
