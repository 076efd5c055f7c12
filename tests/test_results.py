"""What benchmarks have measured is there, and is about what there is."""

import numpy as np

import tutorial_utils as tu
from benchmarks import zoo
from tutorial_utils.models import trained


def test_every_model_is_scored_and_has_its_costs():
    scores, costs = tu.results.zoo(), tu.results.costs()
    assert {*tu.models.names()} <= {*scores["method"]} and list(costs.index) == tu.models.names()
    assert {*scores["metric"]} == {"SDR (BSS Eval v4)", "SI-SDR improvement"}
    assert (scores["low"] <= scores["value"]).all() and (scores["value"] <= scores["high"]).all()
    mixture = scores[(scores["method"] == "mixture") & (scores["metric"] == "SI-SDR improvement")]
    assert (mixture["value"] == 0).all() and (mixture["songs"] == 8).all()
    for name in tu.models.names():
        about = tu.models.summary(tu.models.load(name))
        assert costs.loc[name, "weights"] == about.weights


def test_all_were_trained_alike():
    about = [trained.read(name)[1]["about"] for name in tu.models.names()]
    assert len({each["table"] for each in about}) == len({each["mixtures"] for each in about}) == 1
    for each in about:
        best = min(each["search"], key=each["search"].get)
        assert np.isclose(float(best), each["learning_rate"])


def test_the_readme_has_the_table_of_the_benchmark():
    found = tu.results.read(tu.results.ZOO)
    readme = (zoo.Path(zoo.__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert zoo.readme(found) in readme
