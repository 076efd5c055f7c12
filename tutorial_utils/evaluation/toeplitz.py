"""Block Toeplitz systems, as the least-squares filters of BSS Eval give them, solved fast.

The matrix of such a system repeats along its diagonals: all of it is known from its first column
of blocks. The generalised Schur algorithm makes the Cholesky factor from that column alone, in
:math:`O(P n^2)` operations in place of :math:`O(n^3)` for :math:`n` unknowns and blocks of size
:math:`P` (T. Kailath and A. H. Sayed, "Displacement structure: theory and applications", SIAM
Review 37(3), 1995). What rounding does to the factor is then mended by the method of conjugate
gradients, in which it is the preconditioner.
"""

import numpy as np
import scipy.fft
import scipy.linalg

_TOLERANCE = 1e-13
"""Of the residual, relative to the right-hand side. Conjugate gradients rarely need two steps."""
_STEPS = 12
_WORST = 1e-9
"""A residual that is still larger than this after all steps belongs to no solution."""
_CONDITION = 1e12
"""Ratio of the largest eigenvalue to the smallest above which rounding determines the solution."""


class IllConditionedError(ArithmeticError):
    """The system cannot be solved by its structure to the precision that is needed."""


def solve(blocks: np.ndarray, right: np.ndarray) -> np.ndarray:
    r"""Solve :math:`T c = d` for a symmetric positive definite block Toeplitz matrix.

    Parameters
    ----------
    blocks : array of shape (lags, size, size)
        The first column of blocks of :math:`T`: the block in row :math:`a` and column :math:`b` is
        ``blocks[a - b]``, or the transpose of ``blocks[b - a]`` where that is negative.
    right : array of shape (lags, size, columns)

    Returns
    -------
    array of shape (lags, size, columns)

    Raises
    ------
    IllConditionedError
        If rounding gets the better of it: the matrix is singular, or close to it.
    """
    lags, size, columns = right.shape
    right = right.reshape(lags * size, columns)
    factor = _cholesky(blocks)
    spectrum = _spectrum(blocks)
    _require_well_conditioned(factor, spectrum)
    solution = np.zeros_like(right)
    residual, direction, former = right, 0.0, 1.0
    norms = np.linalg.norm(right, axis=0)
    norms[norms == 0] = 1.0
    for _ in range(_STEPS):
        step = _divided(factor, _divided(factor, residual), transposed=1)
        energy = np.sum(residual * step, axis=0)
        direction = step + direction * (energy / former)
        product = _multiplied(spectrum, direction, lags)
        curvature = np.sum(direction * product, axis=0)
        size_of_step = np.divide(energy, curvature, np.zeros(columns), where=curvature > 0)
        solution = solution + size_of_step * direction
        residual = residual - size_of_step * product
        former = np.where(energy > 0, energy, 1.0)
        error = (np.linalg.norm(residual, axis=0) / norms).max()
        if error < _TOLERANCE:
            break
    if not error < _WORST:
        raise IllConditionedError(f"the residual is {error:.1e} of the right-hand side")
    return solution.reshape(lags, size, columns)


def smallest(blocks: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The smallest of all least-squares solutions, for a matrix that may be singular.

    Directions whose eigenvalue is zero but for rounding are left out, as a pseudo-inverse does.

    Parameters
    ----------
    blocks, right
        As for :func:`solve`.

    Returns
    -------
    array of shape (lags, size, columns)
    """
    values, vectors = scipy.linalg.eigh(_dense(blocks), overwrite_a=True, check_finite=False)
    kept = values > values[-1] * len(values) * np.finfo(float).eps
    vectors = vectors[:, kept]
    flat = right.reshape(len(vectors), -1)
    return (vectors @ ((vectors.T @ flat) / values[kept, None])).reshape(right.shape)


def _cholesky(blocks):
    """The lower triangular Cholesky factor, by the generalised Schur algorithm.

    The difference between the matrix and itself, moved down and right by a block, is
    ``ours @ ours.T - theirs @ theirs.T`` with two matrices of one column of blocks each. A
    hyperbolic rotation of the two makes the first block of ``theirs`` zero. Then ``ours`` is the
    next column of the factor, and moved down by a block it belongs to what is left of the matrix.
    The rotation is applied in its mixed form, which is the stable one: ``theirs`` is computed from
    the new ``ours`` (A. W. Bojanczyk, R. P. Brent, P. Van Dooren and F. R. de Hoog, "A note on
    downdating the Cholesky factorization", SIAM J. Sci. Stat. Comput. 8(3), 1987).
    """
    lags, size, _ = blocks.shape
    length = lags * size
    factor = np.empty((length, length), order="F")
    ours = _divided(_root(blocks[0]), blocks.reshape(length, size).T).T
    factor[:, :size] = ours
    theirs = ours[size:]
    identity = np.eye(size)
    for start in range(size, length, size):
        ours = ours[:-size]  # Its first block is lower triangular.
        turn = _divided(ours[:size], theirs[:size])
        root = _root(identity - turn @ turn.T)
        other = _root(identity - turn.T @ turn)
        back = _divided(root, np.hstack([identity, turn]))
        ours = (ours - theirs @ turn.T) @ back[:, :size].T
        theirs = ((theirs - ours @ back[:, size:]) @ other)[size:]
        factor[start:, start : start + size] = ours
    return factor


# The routines of LAPACK themselves, since for matrices this small SciPy's checks take the longer.


def _root(matrix):
    """The lower triangular Cholesky factor."""
    root, failed = scipy.linalg.lapack.dpotrf(matrix, lower=1)
    if failed:
        raise IllConditionedError("the matrix is not positive definite")
    return root


def _divided(lower, right, transposed=0):
    """The solution of equations with a lower triangular matrix, or with its transpose."""
    solution, failed = scipy.linalg.lapack.dtrtrs(lower, right, lower=1, trans=transposed)
    if failed:
        raise IllConditionedError("the matrix is singular")
    return solution


def _spectrum(blocks):
    """Of the circulant matrix around the Toeplitz matrix: (bins, size, size)."""
    lags, size, _ = blocks.shape
    length = _length(lags)
    around = np.zeros((length, size, size))
    around[:lags] = blocks
    around[length - lags + 1 :] = blocks[:0:-1].transpose(0, 2, 1)
    return scipy.fft.rfft(around, axis=0)


def _multiplied(spectrum, vectors, lags):
    """The product of the matrix with vectors, as a convolution."""
    length = _length(lags)
    padded = scipy.fft.rfft(vectors.reshape(lags, spectrum.shape[1], -1), length, axis=0)
    return scipy.fft.irfft(spectrum @ padded, length, axis=0)[:lags].reshape(vectors.shape)


def _length(lags):
    return scipy.fft.next_fast_len(2 * lags - 1, real=True)


def _require_well_conditioned(factor, spectrum):
    """Compare the largest eigenvalue with the smallest, both estimated from one side.

    The inverse makes a random vector longer, on average by the inverse of the smallest eigenvalue
    over the root of how many there are. Of the largest, the spectrum gives a bound.
    """
    vector = np.random.default_rng(0).standard_normal((len(factor), 1))
    vector /= np.linalg.norm(vector)
    inverse = np.linalg.norm(_divided(factor, _divided(factor, vector), transposed=1))
    condition = inverse * np.linalg.norm(spectrum, axis=(1, 2)).max()
    if not condition < _CONDITION:
        raise IllConditionedError(f"the condition number is about {condition:.0e}")


def _dense(blocks: np.ndarray) -> np.ndarray:
    """The whole matrix, of shape (lags · size, lags · size)."""
    lags, size, _ = blocks.shape
    both = np.concatenate([blocks[:0:-1].transpose(0, 2, 1), blocks])  # from -lags + 1 to lags - 1
    rows = np.arange(lags)
    matrix = both[rows[:, None] - rows + lags - 1]  # (row, column, size, size)
    return matrix.transpose(0, 2, 1, 3).reshape(lags * size, lags * size)
