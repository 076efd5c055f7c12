import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils.evaluation import toeplitz


def system(random, lags, size, columns, samples=400):
    """The equations of filters for coloured noise, and their matrix, made entry by entry."""
    signals = random.standard_normal((size, samples))
    signals[:, 1:] += 0.9 * signals[:, :-1]
    padded = np.pad(signals, [(0, 0), (0, lags - 1)])
    delayed = np.array([np.roll(padded, lag, axis=1) for lag in range(lags)])
    flat = delayed.reshape(lags * size, -1)
    matrix = flat @ flat.T
    blocks = matrix[:, :size].reshape(lags, size, size)
    right = flat @ random.standard_normal((flat.shape[1], columns))
    return blocks, right.reshape(lags, size, columns), matrix


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 5), st.integers(1, 4))
def test_both_solvers_solve(seed, lags, size, columns):
    blocks, right, matrix = system(np.random.default_rng(seed), lags, size, columns)
    wanted = np.linalg.solve(matrix, right.reshape(lags * size, columns))
    for solve in (toeplitz.solve, toeplitz.smallest):
        found = solve(blocks, right)
        assert found.shape == right.shape
        np.testing.assert_allclose(
            found.reshape(wanted.shape), wanted, rtol=1e-6, atol=1e-9 * np.abs(wanted).max()
        )


def test_a_right_hand_side_of_zeros():
    blocks, right, _ = system(np.random.default_rng(0), 20, 3, 2)
    right[..., 1] = 0
    found = toeplitz.solve(blocks, right)
    assert not found[..., 1].any() and found[..., 0].any()


def test_a_singular_matrix_is_refused_and_its_smallest_solution_found():
    blocks, right, matrix = system(np.random.default_rng(0), 20, 3, 2, samples=10)
    with pytest.raises(toeplitz.IllConditionedError):
        toeplitz.solve(blocks, right)
    wanted = np.linalg.lstsq(matrix, right.reshape(60, 2))[0]
    np.testing.assert_allclose(toeplitz.smallest(blocks, right).reshape(60, 2), wanted, atol=1e-6)


def test_a_matrix_close_to_singular_is_refused():
    blocks = np.full((30, 1, 1), 1.0)
    blocks[0] += 1e-13
    with pytest.raises(toeplitz.IllConditionedError):
        toeplitz.solve(blocks, np.ones((30, 1, 1)))
