"""What the tests of plots share; every one of them leaves matplotlib as it was."""

import warnings

import matplotlib
import pandas as pd
import pytest

matplotlib.use("agg")

import matplotlib.pyplot as plt
from helpers import RATE


@pytest.fixture(autouse=True)
def quiet():
    """Drawing raises no warning, leaves no setting changed, and no figure stays open."""
    before = matplotlib.rcParams.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    plt.close("all")
    assert matplotlib.rcParams == before


@pytest.fixture
def sound(random):
    return 0.3 * random.standard_normal((2, RATE))


@pytest.fixture
def table(random):
    rows = [
        {"method": method, "source": source, "metric": metric, "value": random.normal(5, 2)}
        for method, count in (("mixture", 2), ("model", 12))
        for source in ("drums", "vocals")
        for metric in ("SI-SDR", "SDR (BSS Eval v4)")
        for _ in range(count)
    ]
    return pd.DataFrame(rows)
