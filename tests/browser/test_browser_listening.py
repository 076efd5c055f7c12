"""A listening test in a browser: from its first page to the file of answers."""

import numpy as np
import pytest

import tutorial_utils as tu

RATE = 44100
LETTERS = 5  # sounds to rate: two methods, the hidden reference, two anchors


def noise(seed):
    return np.random.default_rng(seed).normal(0, 0.1, (2, RATE)).astype(np.float32)


@pytest.fixture
def made():
    trials = {
        f"song {i}": {"reference": noise(i), "NMF, 2 parts": noise(10 + i), "U-Net": noise(20 + i)}
        for i in range(3)
    }
    return tu.listening.mushra(trials, RATE, name="Trial run")


def start(page, name="Ann"):
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Start", exact=True).click()


def rate(page, score=lambda letter: 10 * letter):
    """Listen to and rate all sounds of a trial."""
    for letter in range(1, LETTERS + 1):
        row = page.locator(".tu-row").nth(letter)
        row.locator("button").click()
        page.wait_for_function(
            "(letter) => document.querySelector('tu-listening').heard.has(letter)", arg=letter
        )
        row.locator("input").fill(str(score(letter)))


def finish(page, path):
    for _ in range(3):
        rate(page)
        page.locator(".tu-next").click()
    with page.expect_download() as download:
        page.get_by_text("Save the answers").click()
    download.value.save_as(path)
    return download.value.suggested_filename


def test_from_the_first_page_to_the_answers(show, made, tmp_path):
    page = show(made)
    start(page, 'Ann, "7"')
    assert page.locator(".tu-progress").inner_text() == "Trial 1 of 3"
    orders = page.evaluate("document.querySelector('tu-listening').session")
    assert finish(page, tmp_path / "a.csv") == "Trial-run-Ann-7.csv"
    answers = tu.listening.read(tmp_path / "a.csv")
    assert set(answers["participant"]) == {'Ann, "7"'} and len(answers) == 3 * LETTERS
    assert list(answers["trial"].unique()) == [f"song {i}" for i in orders["order"]]
    for trial, rows in answers.groupby("trial"):
        assert sorted(rows["condition"]) == sorted(made.conditions[trial])
        letters = orders["letters"][int(trial[-1])]
        assert list(rows["condition"]) == [made.conditions[trial][i] for i in letters]
        assert list(rows["score"]) == [10, 20, 30, 40, 50]
        assert list(rows["letter"]) == list("ABCDE")
    shown = page.locator(".tu-result tbody tr").all_inner_texts()
    assert len(shown) == 3 * LETTERS and "hidden reference" in " ".join(shown)


def test_each_letter_plays_what_the_answers_call_it(show, made):
    page = show(made)
    start(page)
    page.locator(".tu-letter").nth(1).click()
    page.wait_for_function("document.querySelector('tu-listening').player.run?.gains")
    session = page.evaluate("document.querySelector('tu-listening').session")
    letters = session["letters"][session["order"][0]]
    for letter, sound in enumerate([0, *letters]):
        page.locator(".tu-letter").nth(letter).click()
        page.wait_for_timeout(120)
        levels = page.evaluate(
            "document.querySelector('tu-listening').player.run.gains.map(({gain}) => gain.value)"
        )
        assert np.argmax(levels) == sound and np.sum(np.round(levels, 2)) == 1
        run = page.evaluate("document.querySelector('tu-listening').player.loop.on")
        assert run is True


def test_orders_differ_between_participants(show, made):
    page = show(made)
    orders = []
    for i in range(8):
        page.evaluate("document.querySelector('tu-listening').keep(null)")
        page.reload()
        start(page, f"P{i}")
        orders.append(str(page.evaluate("document.querySelector('tu-listening').session.letters")))
    assert len(set(orders)) > 4


def test_all_sounds_must_be_heard_and_rated(show, made):
    page = show(made)
    page.get_by_role("button", name="Start", exact=True).click()
    assert page.locator(".tu-start").is_visible()  # no name, no test
    start(page)
    page.locator(".tu-next").click()
    assert page.locator(".tu-said").inner_text() == "Listen to A, B, C, D, E first."
    rate(page)
    page.locator(".tu-row").nth(2).locator("input").evaluate("(input) => { input.value = 3; }")
    page.evaluate("document.querySelector('tu-listening').ratings[1] = null")
    page.locator(".tu-next").click()
    assert page.locator(".tu-said").inner_text() == "Rate B first."
    assert page.locator(".tu-progress").inner_text() == "Trial 1 of 3"


def test_a_closed_page_goes_on_where_it_was(show, made, tmp_path):
    page = show(made)
    start(page)
    rate(page)
    page.locator(".tu-next").click()
    page.reload()
    assert page.locator(".tu-progress").inner_text() == "Trial 2 of 3"
    for _ in range(2):
        rate(page)
        page.locator(".tu-next").click()
    page.reload()
    with page.expect_download() as download:
        page.get_by_text("Save the answers").click()
    download.value.save_as(tmp_path / "a.csv")
    assert len(tu.listening.read(tmp_path / "a.csv")) == 3 * LETTERS
    page.get_by_text("Start again").click()
    assert page.locator(".tu-start").is_visible()


def test_answers_are_not_thrown_away_at_once(show, made):
    page = show(made)
    start(page)
    for _ in range(3):
        rate(page)
        page.locator(".tu-next").click()
    page.get_by_text("Start again").click()
    assert "not saved yet" in page.locator(".tu-said").inner_text()
    assert page.locator(".tu-end").is_visible()
    page.get_by_text("Start again").click()
    assert page.locator(".tu-start").is_visible()


def test_with_the_keyboard_alone(show, made):
    page = show(made)
    page.keyboard.press("Tab")
    page.keyboard.type("Ann")
    page.keyboard.press("Enter")
    for letter in range(1, LETTERS + 1):
        page.keyboard.press(str(letter))
        page.wait_for_function(
            "(letter) => document.querySelector('tu-listening').heard.has(letter)", arg=letter
        )
        while (
            page.evaluate(
                "document.querySelector('tu-listening').root.activeElement?.getAttribute('aria-label')"
            )
            != f"Rating of {'ABCDE'[letter - 1]}"
        ):
            page.keyboard.press("Tab")
        page.keyboard.press("ArrowRight")
        rating = page.locator(".tu-row").nth(letter).locator("input")
        assert rating.get_attribute("aria-valuetext") == "51, fair"
    page.keyboard.press(" ")
    assert page.evaluate("document.querySelector('tu-listening').player.run") is None
    while not page.evaluate(
        "document.querySelector('tu-listening').root.activeElement?.matches('.tu-next')"
    ):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator(".tu-progress").inner_text() == "Trial 2 of 3"


def test_volume_stays_from_trial_to_trial(show, made):
    page = show(made)
    start(page)
    page.locator(".tu-volume").fill("40")
    rate(page)
    page.locator(".tu-next").click()
    assert page.locator(".tu-volume").input_value() == "40"
    assert page.evaluate("document.querySelector('tu-listening').player.tracks[0].volume") == 0.4


def test_two_tests_on_one_page_do_not_mix(show, made):
    other = tu.listening.mushra(
        {"one": {"reference": noise(0), "a": noise(1)}}, RATE, name="Other", anchors=()
    )
    page = show(made, other)
    first, second = page.locator("tu-listening").all()
    second.locator("input[name=participant]").fill("Bob")
    second.locator(".tu-start button").click()
    assert second.locator(".tu-row").count() == 3
    assert first.locator(".tu-start").is_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_phone_and_readable(show, made, contrast, theme):
    page = show(made, theme=theme, width=375, height=700)
    start(page)
    rate(page)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 375
    for part in (".tu-title", ".tu-progress", ".tu-question", ".tu-letter", ".tu-next", "output"):
        for text in page.locator(f"tu-listening {part}").all():
            assert contrast(text) >= 4.5, part
    for _ in range(3):
        page.locator(".tu-next").click()
        if page.locator(".tu-trials").is_visible():
            rate(page)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 375
    for text in page.locator(".tu-result td, .tu-save, .tu-again").all():
        assert contrast(text) >= 4.5
