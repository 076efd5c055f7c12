"""Training curves and scores."""

import bs4
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hostile import TEXTS, texts
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils import plots


def tables(made):
    """What a score table says: for each metric its rows, with the texts of their cells."""
    page = bs4.BeautifulSoup(made.html, "html.parser")
    return {
        table.thead.th.text: {
            row.th.text: [cell.text for cell in row("td")] for row in table.tbody("tr")
        }
        for table in page("table")
    }


def bold(made):
    return [mark.text for mark in bs4.BeautifulSoup(made.html, "html.parser").select("td b")]


def one_metric(rows):
    rows = [(method, source, "SI-SDR", value) for method, source, value in rows]
    return pd.DataFrame(rows, columns=["method", "source", "metric", "value"])


def rows(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


# ------------------------------------------------------------------------------ curves


def test_training_curves():
    ax = plots.training_curves(
        {"training": [3, 2, np.nan, 1], "validation": ([2, 4], [3, 2])}, title="Loss"
    )
    assert [list(line.get_xdata()) for line in ax.lines] == [[1, 2, 3, 4], [2, 4]]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["training", "validation"]
    assert len({line.get_color() for line in ax.lines}) == 2


def test_every_curve_is_in_the_legend_whatever_it_is_called():
    ax = plots.training_curves({"_hidden": [1, 2], "$x$": [2, 1]})
    legend = ax.get_legend().get_texts()
    assert [text.get_text() for text in legend] == ["_hidden", "$x$"]
    assert not any(text.get_parse_math() for text in legend)


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ({}, "at least one curve"),
        ([1, 2], "at least one curve"),
        ({"loss": []}, "curve loss: .* at least 1"),
        ({"loss": ([1, 2], [1])}, r"curve loss: .* \(2,\) and \(1,\)"),
        ({"loss": ([1], [1], [1])}, "curve loss: .* not 3"),
        ({"loss": ["a"]}, "curve loss: could not convert"),
        ({"loss": [[1], [1, 2]]}, "curve loss: this is no array"),
        ({"loss": [[1, 2]]}, "curve loss"),
        ({"loss": 3.0}, "curve loss"),
    ],
)
def test_what_is_no_curve_is_refused_by_name(history, message):
    with pytest.raises(ValueError, match=message):
        plots.training_curves(history)


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(
        texts,
        st.lists(st.floats(-1e9, 1e9) | st.sampled_from([np.nan, np.inf, None, "a"]), max_size=4)
        | st.sampled_from([None, 1, "ab", ([1], [2]), ([1], 2), (1, 2), [[1], [2]], [1j]]),
        max_size=3,
    )
)
def test_curves_are_drawn_or_refused(history):
    try:
        ax = plots.training_curves(history)
    except ValueError:
        return
    finally:
        plt.close("all")
    assert len(ax.lines) == len(history)


# ------------------------------------------------------------------------------ scores


def test_scores_have_one_row_per_method_under_each_source(table):
    figure = plots.scores(table, title="Scores")
    assert [ax.get_xlabel() for ax in figure.axes] == ["SI-SDR", "SDR (BSS Eval v4)"]
    assert rows(figure.axes[0]) == ["drums", "mixture", "model", "vocals", "mixture", "model"]
    weights = [label.get_fontweight() for label in figure.axes[0].get_yticklabels()]
    assert [weight == "bold" for weight in weights] == [True, False, False] * 2
    dots = figure.axes[0].lines[0]
    wanted = (table.metric == "SI-SDR") & (table.source == "drums") & (table.method == "mixture")
    np.testing.assert_array_equal(dots.get_xdata(), table.value[wanted])


def test_scores_of_one_method_have_one_row_per_source(table):
    [ax, _] = plots.scores(table[table.method == "model"]).axes
    assert rows(ax) == ["drums", "vocals"]


def test_undefined_and_infinite_scores_are_seen():
    values = [3.0, np.nan, -np.inf, np.inf, 5.0]
    [ax] = plots.scores(one_metric([("model", "bass", value) for value in values])).axes
    assert ax.get_xlabel() == "SI-SDR; 1 undefined, left out; triangles: infinite"
    marks = {line.get_marker(): line.get_xdata() for line in ax.lines}
    assert list(marks["<"]) == [0] and list(marks[">"]) == [1]  # the edges of the axes
    low, high = ax.get_xlim()
    assert low < 3 and high > 5
    assert np.sum((marks["o"] >= low) & (marks["o"] <= high)) == 2


def test_infinite_scores_count_in_the_box():
    """A model that is silent in half of the songs has no good median."""
    values = [-np.inf] * 6 + [5.0] * 5
    [ax] = plots.scores(one_metric([("model", "bass", value) for value in values])).axes
    [median] = [line for line in ax.lines if line.get_linewidth() == 2]
    assert max(median.get_xdata()) < ax.get_xlim()[0]
    made = plots.score_table(one_metric([("model", "bass", value) for value in values]))
    assert tables(made)["SI-SDR"]["model"] == ["−∞", "−∞"]  # and so it says


def test_long_names_leave_room_for_the_values(table):
    long = "Open-Unmix (umxhq), fine-tuned on songs at 44.1 kHz"
    table["method"] = table.method.replace("model", long)
    figure = plots.scores(table)
    name = rows(figure.axes[0])[2]
    assert name.replace("\n", " ") == long and "\n" in name
    plots.picture(figure, alt="scores")  # lays it out
    assert figure.axes[0].get_position().width > 0.55


def test_score_table_holds_the_medians_and_marks_the_best(table):
    made = plots.score_table(table, caption="a < b")
    group = (table.method == "model") & (table.source == "drums")
    expected = table[group].groupby("metric").value.median()["SI-SDR"]
    assert made.data.loc[("SI-SDR", "model"), "drums"] == expected
    assert list(made.data.columns) == ["drums", "vocals", "mean"]
    assert ">a &lt; b</caption>" in made.html
    assert made._repr_html_() == made.html
    # The highest of each metric and column, as it is written, and no other.
    best = made.data.groupby(level="metric").max().to_numpy().ravel()
    assert sorted(bold(made)) == sorted(f"{value:.2f}".replace("-", "−") for value in best)


def test_two_scales_never_stand_in_one_column(table):
    made = tables(plots.score_table(table))
    assert list(made) == ["SI-SDR", "SDR (BSS Eval v4)"]
    assert all(list(each) == ["mixture", "model"] for each in made.values())


def test_a_mean_is_over_the_same_sources_for_all_methods():
    made = plots.score_table(
        one_metric(
            [
                ("both", "bass", 1.0),
                ("both", "vocals", 5.0),
                ("one", "vocals", 6.0),
                ("both", "silence", np.nan),
                ("one", "silence", np.nan),
            ]
        )
    )
    assert tables(made)["SI-SDR"] == {
        "both": ["1.00", "5.00", "–", "3.00"],
        "one": ["–", "6.00", "–", "–"],
    }


def test_methods_that_look_alike_are_not_mixed_up():
    made = plots.score_table(one_metric([(1, "bass", 1.0), ("1", "bass", 3.0), (1, "bass", 2.0)]))
    assert list(made.data["bass"]) == [1.5, 3.0]


def test_a_single_method_is_not_called_the_best():
    assert bold(plots.score_table(one_metric([("model", "bass", -0.001)]))) == []
    assert "−0.00" not in plots.score_table(one_metric([("model", "bass", -0.001)])).html


def test_score_table_escapes_names(table):
    table["source"] = "<script>alert(1)</script>"
    table["method"] = "<b>\ud800"
    page = plots.score_table(table).html
    assert "<script>" not in page and "<b>" not in page and "&lt;script&gt;" in page
    page.encode()


@pytest.mark.parametrize("draw", [plots.scores, plots.score_table])
def test_scores_say_what_is_missing(table, draw):
    with pytest.raises(ValueError, match=r"lacks the column.* metric; it has method"):
        draw(table.drop(columns="metric"))
    with pytest.raises(ValueError, match="all values are NaN"):
        draw(table.assign(value=np.nan))
    with pytest.raises(ValueError, match="it is empty"):
        draw(table[:0])
    with pytest.raises(ValueError, match=r"is no number.*good"):
        draw(table.assign(value="good"))


names = st.sampled_from([*TEXTS, 1, "1", None, np.nan, 2.5])


@settings(max_examples=10, deadline=None)
@given(
    st.lists(
        st.tuples(names, names, names, st.floats(-1e6, 1e6) | st.sampled_from([np.nan, np.inf])),
        max_size=5,
    )
)
def test_scores_are_shown_or_refused(rows):
    table = pd.DataFrame(rows, columns=["method", "source", "metric", "value"])
    table["value"] = table["value"].astype(float)
    try:
        figure = plots.scores(table)
    except ValueError:
        assert not np.isfinite(table.value).any() or table.value.isna().all()
        return
    finally:
        plt.close("all")
    metrics = {"undefined" if pd.isna(metric) else repr(metric) for metric in table.metric}
    assert len(figure.axes) == len(metrics)
    plots.score_table(table).html.encode()


def with_intervals():
    rows = [
        (method, "bass", "SDR", value + shift)
        for method, shift in (("a", 0), ("b", 3))
        for value in range(8)
    ]
    table = pd.DataFrame(rows, columns=["method", "source", "metric", "value"])
    spans = [("a", "bass", "SDR", 3.5, 2.0, 5.0), ("b", "bass", "SDR", 6.5, np.nan, np.nan)]
    spans += [("other", "bass", "SDR", 1.0, 0.0, 2.0)]
    columns = ["method", "source", "metric", "value", "low", "high"]
    return table, pd.DataFrame(spans, columns=columns)


def test_intervals_are_drawn_under_their_boxes():
    table, spans = with_intervals()
    before = sum(len(ax.lines) for ax in plots.scores(table).axes)
    [ax] = plots.scores(table, intervals=spans).axes
    assert len(ax.lines) == before + 4
    assert any(line.get_xdata().tolist() == [2.0, 5.0] for line in ax.lines)


def test_intervals_stand_under_their_numbers():
    table, spans = with_intervals()
    html = plots.score_table(table, intervals=spans).html
    assert html.count("2.00 … 5.00") == 1 and html.count(" … ") == 1
    with pytest.raises(ValueError, match=r"intervals lacks the column\(s\) low"):
        plots.score_table(table, intervals=spans.drop(columns="low"))


def test_answers_have_their_interval_and_their_seeds():
    table = pd.DataFrame(
        {
            "answer": ["½", "0", "1"],
            "value": [1.0, 2.0, 1.5],
            "low": [0.5, 1.0, 1.4],
            "high": [1.5, 3.0, 1.6],
            "seeds": [[0.9, 1.1], [2.0, 2.0], [1.5, 1.5]],
        }
    )
    ax = plots.answers(table, xlabel="gain (dB)")
    assert [text.get_text() for text in ax.get_yticklabels()] == ["½", "0", "1"]
    drawn = [list(line.get_xdata()) for line in ax.lines]
    assert drawn == [[1.0, 2.0, 1.5], [0.9, 1.1], [2.0, 2.0], [1.5, 1.5]]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first is on top
    with pytest.raises(ValueError, match=r"lacks the column\(s\) seeds"):
        plots.answers(table.drop(columns="seeds"), xlabel="")
    with pytest.raises(ValueError, match="no row"):
        plots.answers(table[:0], xlabel="")
