"""Training curves and scores."""

import numpy as np
import pytest

from tutorial_utils import plots


def test_training_curves():
    ax = plots.training_curves(
        {"training": [3, 2, np.nan, 1], "validation": ([2, 4], [3, 2])}, title="Loss"
    )
    assert [list(line.get_xdata()) for line in ax.lines] == [[1, 2, 3, 4], [2, 4]]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["training", "validation"]
    assert len({line.get_color() for line in ax.lines}) == 2


def test_scores_have_one_place_a_method_and_source(table):
    table.loc[0, "value"] = np.nan
    figure = plots.scores(table, title="Scores")
    assert [ax.get_xlabel() for ax in figure.axes] == ["SI-SDR (1 not finite, left out)", "SDR"]
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["drums, mixture", "drums, model", "vocals, mixture", "vocals, model"]


def test_score_table_holds_the_medians_and_marks_the_best(table):
    styler = plots.score_table(table, caption="a < b")
    expected = table[(table.method == "model") & (table.source == "drums")].groupby("metric").value
    assert styler.data.loc[("SDR", "model"), "drums"] == expected.median()["SDR"]
    assert list(styler.data.columns) == ["drums", "vocals", "mean"]
    page = styler.to_html()
    assert "a &lt; b" in page and "font-weight: bold" in page and 'class="dataframe"' in page


def test_score_table_escapes_names(table):
    table["source"] = "<script>alert(1)</script>"
    table["method"] = "<b>"
    page = plots.score_table(table).to_html()
    assert "<script>" not in page and "<b>" not in page and "&lt;script&gt;" in page


def test_scores_say_what_is_missing(table):
    with pytest.raises(ValueError, match=r"lacks the column.* metric; it has method"):
        plots.scores(table.drop(columns="metric"))
    with pytest.raises(ValueError, match="finite"):
        plots.score_table(table.assign(value=np.nan))
