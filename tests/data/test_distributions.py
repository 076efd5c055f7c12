"""Values are drawn as Scaper draws them, and what it refuses is refused by name."""

import copy
import math
import warnings

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tutorial_utils.compat import scaper
from tutorial_utils.data.mixing import SongSettings, SoundSettings
from tutorial_utils.data.mixing.distributions import RULES, Distributions

LABELS = ("bass", "drums", "vocals")
FIELDS = {
    SongSettings: ("source_time", "snr", "ref_db", "gain", "pitch_shift", "time_stretch"),
    SoundSettings: ("k", "event_duration", "event_time"),
}
LOW, HIGH = 0.5, 1.5
KINDS = [
    ("const", 1.25),
    ("choose", [0.5, 0.75, 1.0]),
    ("choose_weighted", [0.5, 1.0, 1.5], [0.2, 0.5, 0.3]),
    ("uniform", LOW, HIGH),
    ("normal", 1.0, 0.01),
    ("truncnorm", 1.0, 5.0, LOW, HIGH),
]
every_field = pytest.mark.parametrize(
    ("kind", "field"), [(kind, field) for kind, fields in FIELDS.items() for field in fields]
)
# Scaper's warnings.
pytestmark = [
    pytest.mark.filterwarnings('ignore:A "normal" distribution'),
    pytest.mark.filterwarnings("ignore:Removed duplicates"),
]


@every_field
@pytest.mark.parametrize("distribution", KINDS, ids=lambda one: one[0])
def test_every_field_takes_every_kind_and_draws_as_scaper_does(kind, field, distribution):
    draw = Distributions(kind(**{field: distribution}), LABELS)
    random, again = np.random.RandomState(5), np.random.RandomState(5)
    for _ in range(20):
        value = draw.value(field, "drums", random)
        assert type(value) is float and LOW <= value <= HIGH
        assert value == scaper.core._get_value_from_dist(distribution, again)


@every_field
@pytest.mark.parametrize(
    "distribution",
    [
        3.0,
        ["uniform", 0, 1],
        (),
        ("const",),
        ("const", "loud"),
        ("const", None),
        ("uniform", 1),
        ("uniform", 2, 1),
        ("uniform", "a", "b"),
        ("normal", 0, -1),
        ("truncnorm", 0, 1, 2, 1),
        ("choose", []),
        ("choose", 3),
        ("choose", ["a"]),
        ("choose_weighted", [1, 2], [0.5, 0.6]),
        ("choose_weighted", [1], [0.5, 0.5]),
        ("choose_weighted", [], []),
        ("choose_weighted", [1], ["all"]),
        ("triangular", 0, 1),
        (3, 4),
        ([], 1),
    ],
    ids=repr,
)
def test_what_scaper_refuses_is_refused_by_name(kind, field, distribution):
    with pytest.raises(ValueError, match=rf"^{field}=.* is no distribution that Scaper accepts: "):
        Distributions(kind(**{field: distribution}), LABELS)


@pytest.mark.parametrize(
    ("kind", "field", "distribution"),
    [
        (SongSettings, "source_time", ("uniform", -1, 3)),
        (SongSettings, "source_time", ("const", -1)),
        (SongSettings, "time_stretch", ("const", 0)),
        (SongSettings, "time_stretch", ("uniform", 0, 1)),
        (SoundSettings, "event_duration", ("truncnorm", 1, 1, 0, 2)),
        (SoundSettings, "event_time", ("choose", [1, -1])),
    ],
)
def test_times_and_factors_have_bounds(kind, field, distribution):
    with pytest.raises(ValueError, match=f"^{field}="):
        Distributions(kind(**{field: distribution}), LABELS)


LIMITS = {
    "snr": (-200, 200),
    "ref_db": (-200, 200),
    "gain": (-100, 100),
    "song_gain": (-100, 100),
    "pitch_shift": (-24, 24),
    "time_stretch": (0.25, 4),
}


@pytest.mark.parametrize("field", LIMITS)
@pytest.mark.parametrize("beyond", [-1.01, 1.01, math.inf, math.nan])
def test_values_that_no_table_may_hold(field, beyond):
    """They are refused before anything is drawn, and not brought within the limits."""
    low, high = LIMITS[field]
    value = low + (high - low) * (1 + beyond) / 2
    for distribution in [
        ("const", value),
        ("choose", [1, value]),
        ("choose_weighted", [1, value], [0.5, 0.5]),
        ("uniform", min(1, value), max(value, 1)),
        ("truncnorm", 1, 1, min(1, value), max(value, 1)),
    ]:
        if distribution[0] in ("uniform", "truncnorm") and math.isnan(value):
            continue  # Their order decides whether Scaper sees it.
        with pytest.raises(ValueError, match=rf"^{field}=.* not from {low:g} to {high:g}\.|Scaper"):
            Distributions(SongSettings(**{field: distribution}), LABELS)


@pytest.mark.parametrize("field", LIMITS)
def test_what_a_normal_distribution_gives_beyond_the_limits_is_drawn_again(field):
    low, high = LIMITS[field]
    draw = Distributions(SongSettings(**{field: ("normal", 0, high)}), LABELS)
    random = np.random.RandomState(0)
    drawn = [draw.value(field, "drums", random) for _ in range(100)]
    assert low <= min(drawn) and max(drawn) <= high and len({*drawn}) == 100


@pytest.mark.parametrize("field", ["pitch_shift", "time_stretch", "snr", "gain", "song_gain"])
def test_none_is_not_a_number(field):
    draw = Distributions(SongSettings(**{field: None}), LABELS)
    assert math.isnan(draw.value(field, "drums", np.random.RandomState(0)))


@pytest.mark.parametrize("field", ["song", "ref_db", "source_time"])
def test_what_is_always_needed_may_not_be_none(field):
    with pytest.raises(ValueError, match=f"^{field}=None"):
        Distributions(SongSettings(**{field: None}), LABELS)


def test_a_mapping_has_one_for_each_label():
    snr = {label: ("const", i) for i, label in enumerate(LABELS)}
    draw = Distributions(SongSettings(snr=snr), LABELS)
    random = np.random.RandomState(0)
    assert [draw.value("snr", label, random) for label in LABELS] == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("labels", [(), ("bass",), (*LABELS, "piano"), ("a", "b", "c")])
def test_a_mapping_with_other_labels(labels):
    with pytest.raises(ValueError, match=r"snr is given for .*the labels are bass, drums, vocals"):
        Distributions(SongSettings(snr=dict.fromkeys(labels, ("const", 0))), LABELS)


def test_a_bad_one_in_a_mapping():
    stretch = dict.fromkeys(LABELS, ("const", 1.0)) | {"drums": ("const", -1.0)}
    with pytest.raises(ValueError, match=r"^time_stretch=\('const', -1\.0\)"):
        Distributions(SongSettings(time_stretch=stretch), LABELS)


@pytest.mark.parametrize(
    ("kind", "field"), [(SongSettings, "song"), (SongSettings, "ref_db"), (SoundSettings, "k")]
)
def test_what_is_one_for_all_labels_is_no_mapping(kind, field):
    with pytest.raises(ValueError, match=f"{field} is one for all labels"):
        Distributions(kind(**{field: dict.fromkeys(LABELS, ("const", 1))}), LABELS)


def test_a_shared_value_is_the_same_for_all_that_are_changed():
    shift = {"bass": None, "drums": ("uniform", -2, 2), "vocals": ("uniform", -2, 2)}
    shared = Distributions(SongSettings(pitch_shift=shift), LABELS).shared(
        "pitch_shift", np.random.RandomState(0)
    )
    assert math.isnan(shared["bass"]) and -2 <= shared["drums"] == shared["vocals"] <= 2
    off = Distributions(SongSettings(pitch_shift=None), LABELS)
    assert all(map(math.isnan, off.shared("pitch_shift", None).values()))


@pytest.mark.parametrize(
    ("kind", "field"), [(SongSettings, "time_stretch"), (SoundSettings, "event_duration")]
)
def test_what_must_be_positive_is_drawn_until_it_is(kind, field):
    draw = Distributions(kind(**{field: ("normal", 0.0, 1.0)}), LABELS)
    random = np.random.RandomState(0)
    assert min(draw.value(field, "drums", random) for _ in range(50)) > 0
    never = Distributions(kind(**{field: ("normal", -9.0, 0.1)}), LABELS)
    with pytest.raises(ValueError, match=rf"^{field}=\('normal', -9\.0, 0\.1\) gives nothing"):
        never.value(field, "drums", random)


@pytest.mark.parametrize(
    "distribution",
    [("truncnorm", 0, 0, -1, 1), ("normal", math.inf, 1), ("normal", math.nan, 1)],
    ids=repr,
)
def test_what_cannot_be_drawn_from_is_refused_by_name(distribution):
    draw = Distributions(SongSettings(snr=distribution), LABELS)
    with pytest.raises(ValueError, match=r"^snr=.* (cannot be drawn from: |gives nothing from )"):
        draw.value("snr", "drums", np.random.RandomState(0))


numbers = st.floats() | st.integers() | st.sampled_from([10**400, True, 1j, np.float32(2)])
anything = st.recursive(
    st.none() | numbers | st.text(max_size=3) | st.sampled_from([np.array([]), np.array([1.0, 2])]),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner),
    max_leaves=4,
)
almost = st.builds(
    lambda kind, parameters: (kind, *parameters),
    st.sampled_from([kind[0] for kind in KINDS] + ["triangular"]),
    st.lists(anything | numbers | st.lists(numbers, max_size=3), max_size=4),
)
ALL = [
    (kind, name) for kind in (SongSettings, SoundSettings) for name in RULES if hasattr(kind, name)
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@settings(deadline=None, max_examples=300)
@given(field=st.sampled_from(ALL), one=almost | anything, mapped=st.booleans())
@example((SongSettings, "song"), ("const", (1,), 10**3000, 3), False)
@example((SongSettings, "song"), ("const", 10**3000), False)
def test_whatever_is_given_is_drawn_from_or_refused_by_name(field, one, mapped):
    kind, name = field
    try:
        given_ = dict.fromkeys(LABELS, one) if mapped else one
        draw = Distributions(kind(**{name: given_}), LABELS)
        random = np.random.RandomState(0)
        if name in ("source_time", "event_time"):
            value = draw.time(name, "drums", random, 5.0, 1.0)
            assert 0 <= value <= 4
            return
        value = draw.value(name, "drums", random)
    except ValueError as error:
        assert str(error).startswith(name) and len(str(error)) < 2000
        return
    if name != "song":
        low, high = RULES[name][1:3]
        assert type(value) is float and (low <= value <= high or (one is None and value != value))


second = st.floats(0, 10)
times = st.one_of(
    st.tuples(st.just("const"), second),
    st.tuples(st.just("choose"), st.lists(second, min_size=1, max_size=4)),
    st.lists(second, min_size=4, max_size=4).map(lambda t: ("choose_weighted", t, [0.25] * 4)),
    st.tuples(second, second | st.just(math.inf)).map(lambda t: ("uniform", *sorted(t))),
    st.tuples(st.just("normal"), second, st.floats(0, 5)),
    st.tuples(second, second, second).map(
        lambda t: ("truncnorm", t[0], 1.0, *sorted((t[1], t[2] + 0.5)))
    ),
)


@settings(deadline=None, max_examples=150)
@given(distribution=times, needed=second, spare=second, seed=st.integers(0, 99))
def test_a_time_leaves_what_is_needed_and_the_lists_as_they_were(distribution, needed, spare, seed):
    before = copy.deepcopy(distribution)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        draw = Distributions(SongSettings(source_time=distribution), LABELS)
        available = needed + spare
        time = draw.time("source_time", "drums", np.random.RandomState(seed), available, needed)
    assert distribution == before
    assert 0 <= time <= available - needed
    if distribution[0] == "const":
        assert time == min(distribution[1], available - needed)


def test_the_whole_range_of_times_is_drawn():
    draw = Distributions(SongSettings(), LABELS)
    random = np.random.RandomState(0)
    drawn = [draw.time("source_time", "drums", random, 10.0, 4.0) for _ in range(300)]
    assert min(drawn) < 0.1 and max(drawn) > 5.9
    assert np.mean(drawn) == pytest.approx(3.0, abs=0.3)
