"""The multitrack player in a browser: what a reader does, and what then is heard and seen."""

import base64
import io
import itertools
import re

import numpy as np
import pytest
import soundfile

from tutorial_utils.player import player

RATE = 44100

# Arrays come back from the browser as the bytes of their samples, for as numbers they take minutes.
BYTES = """
const bytes = (array) => {
  let text = "";
  for (const byte of new Uint8Array(array.slice().buffer)) text += String.fromCharCode(byte);
  return btoa(text);
};
"""
# What the player plays, rendered by the graph that plays it.
RENDER = f"""
async ([from, to]) => {{
  {BYTES}
  const element = document.querySelector("tu-player");
  const {{ rate }} = element.data;
  const offline = new OfflineAudioContext(1, Math.round(to * rate), rate);
  element.connect(offline, await element.decode(), 0, 0);
  const rendered = await offline.startRendering();
  return bytes(rendered.getChannelData(0).subarray(Math.round(from * rate)));
}}
"""
DECODE = f"""
async () => {{
  {BYTES}
  const buffers = await document.querySelector("tu-player").decode();
  return buffers.map((buffer) => [buffer.sampleRate, bytes(buffer.getChannelData(0))]);
}}
"""


def samples(text):
    return np.frombuffer(base64.b64decode(text), np.float32)


def render(page, start, end):
    """What the player plays between two times, as it is set now: channel 0, or the mean of both."""
    return samples(page.evaluate(RENDER, [start, end]))


def position(element):
    return element.evaluate("(element) => element.position")


def gains(element):
    """The gain of each file as the graph that plays has it, once the fades are over."""
    element.page.wait_for_timeout(150)
    values = element.evaluate("(element) => element.run.gains.map((node) => node.gain.value)")
    return np.round(values, 2).tolist()


def lag(sound, reference):
    """By how many samples the sound comes later than the reference."""
    size = 2 ** int(np.ceil(np.log2(sound.size + reference.size)))
    likeness = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(reference, size).conj(), size)
    shift = int(np.argmax(likeness))
    return shift if shift < size // 2 else shift - size


@pytest.fixture
def stems(tone):
    return {name: tone(200.0 * 2**i) for i, name in enumerate(("drums", "bass", "vocals"))}


@pytest.fixture
def versions(tone):
    """Two tracks with two versions each, and the mixture: the sounds 0 to 4."""
    return {
        "bass": {"reference": tone(200), "estimate": tone(250)},
        "vocals": {"reference": tone(400), "estimate": tone(450)},
        "mixture": tone(200) + tone(400),
    }


# ------------------------------------------------------------------ in time


def clicks(rate=RATE, seconds=20.5, at=19.9):
    """A short burst of noise at ``at`` seconds in silence, which survives coding in place."""
    sound = np.zeros((2, round(seconds * rate)), np.float32)
    burst = np.random.default_rng(0).normal(0, 0.2, 256).astype(np.float32)
    sound[:, round(at * rate) :][:, :256] = burst
    return sound


def test_tracks_are_in_time_after_20_s_of_rendered_sound(show):
    sound = clicks()
    page = show(player({name: sound for name in ("drums", "bass", "other", "vocals")}, RATE))
    buttons = page.locator(".tu-solo")
    lags = []
    for i in range(4):
        buttons.nth(i).click()
        lags.append(lag(render(page, 19, 20.5), sound[0, 19 * RATE :]))
        buttons.nth(i).click()
    assert max(lags) - min(lags) <= 1 and abs(lags[0]) <= 1


def test_tracks_are_in_time_after_20_s_of_playing(show):
    """Listened to behind the gain of each track while it plays, on the audio graph's clock."""
    sound = clicks()
    page = show(player({name: sound for name in ("drums", "bass", "other", "vocals")}, RATE))
    page.locator(".tu-play").click()
    page.wait_for_function("document.querySelector('tu-player').run?.gains")
    page.evaluate(
        """
        async () => {
          const { gains, when } = document.querySelector("tu-player").run;
          const context = gains[0].context;
          const listener = `
            registerProcessor("listener", class extends AudioWorkletProcessor {
              process(inputs) {
                inputs.forEach(([channel], i) => {
                  const first = channel?.findIndex((value) => Math.abs(value) > 0.05) ?? -1;
                  if (first >= 0) this.port.postMessage([i, (currentFrame + first) / sampleRate]);
                });
                return true;
              }
            });`;
          const module = URL.createObjectURL(new Blob([listener], { type: "text/javascript" }));
          await context.audioWorklet.addModule(module);
          const node = new AudioWorkletNode(context, "listener", { numberOfInputs: 4 });
          gains.forEach((gain, i) => gain.connect(node, 0, i));
          node.connect(context.destination);
          window.heard = [null, null, null, null];
          node.port.onmessage = ({ data: [i, time] }) => (window.heard[i] ??= time - when);
        }
        """
    )
    page.wait_for_function("window.heard.every((time) => time !== null)", timeout=40_000)
    heard = page.evaluate("window.heard")
    assert max(heard) - min(heard) < 0.010
    assert heard[0] == pytest.approx(19.9, abs=0.010)


@pytest.mark.parametrize("rate", [16000, 22050, 32000, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_decoded_sound_is_as_long_as_the_array_and_where_it_was(show, rate, channels):
    noise = np.random.default_rng(1).normal(0, 0.1, (2, channels, 2 * rate + 123))
    noise = np.cumsum(noise, axis=2) % 1 - 0.5  # most of it low, where MP3 keeps it
    page = show(player({"a": noise[0] / 2, "b": noise[1] / 2}, rate))
    decoded = page.evaluate(DECODE)
    for (decoded_rate, sound), array in zip(decoded, noise, strict=True):
        assert decoded_rate == rate
        assert samples(sound).size == array.shape[1]
        assert abs(lag(samples(sound), array[0])) <= 1


def test_silence_of_the_format_is_cut_where_the_decoder_leaves_it(show):
    """At a low constant rate LAME's tag has no room, and Chromium returns all that there is."""
    sound = clicks(seconds=3.0, at=1.5)
    page = show(player({"a": sound}, RATE))
    file = io.BytesIO()
    settings = {"format": "MP3", "subtype": "MPEG_LAYER_III"}
    soundfile.write(file, sound.T, RATE, bitrate_mode="CONSTANT", compression_level=0.9, **settings)
    page.locator("tu-player").evaluate(
        "(element, file) => { element.data.files = [file]; }",
        base64.b64encode(file.getvalue()).decode(),
    )
    [[_, decoded]] = page.evaluate(DECODE)
    assert samples(decoded).size == sound.shape[1]
    assert abs(lag(samples(decoded), sound[0])) <= 1


# ------------------------------------------------------------------ hands


def test_play_and_pause(show, stems):
    page = show(player(stems, RATE))
    element, button = page.locator("tu-player"), page.locator(".tu-play")
    assert button.get_attribute("aria-label") == "Play"
    button.click()
    page.wait_for_timeout(700)
    assert button.get_attribute("aria-label") == "Pause"
    assert 0.3 < position(element) < 1.5
    assert page.locator(".tu-now").inner_text() != "0:00.0"
    button.click()
    stopped = position(element)
    page.wait_for_timeout(300)
    assert position(element) == stopped > 0.3
    assert button.get_attribute("aria-label") == "Play"


def test_at_the_end_it_stops_and_can_be_played_again(show, tone):
    page = show(player({"a": tone(440, seconds=0.5)}, RATE))
    element, button = page.locator("tu-player"), page.locator(".tu-play")
    for _ in range(2):
        button.click()
        page.wait_for_function("document.querySelector('tu-player').run?.gains")
        page.wait_for_function("document.querySelector('tu-player').run === null")
        assert position(element) == 0
        assert button.get_attribute("aria-label") == "Play"


@pytest.mark.parametrize("area", [".tu-lane", ".tu-ruler"])
@pytest.mark.parametrize("playing", [False, True])
def test_seek_by_click(show, stems, area, playing):
    page = show(player(stems, RATE))
    if playing:
        page.locator(".tu-play").click()
        page.wait_for_function("document.querySelector('tu-player').run?.gains")
    box = page.locator(area).first.bounding_box()
    page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + box["height"] / 2)
    page.wait_for_timeout(100)
    assert position(page.locator("tu-player")) == pytest.approx(3, abs=0.4 if playing else 0.02)
    assert page.evaluate("document.querySelector('tu-player').run !== null") is playing


def test_seek_by_drag(show, stems):
    page = show(player(stems, RATE))
    element = page.locator("tu-player")
    box = page.locator(".tu-lane").nth(1).bounding_box()
    x, y = box["x"], box["y"] + box["height"] / 2
    page.mouse.move(x + 0.1 * box["width"], y)
    page.mouse.down()
    page.mouse.move(x + 0.5 * box["width"], y, steps=5)
    shown = element.evaluate("(e) => Number(e.style.getPropertyValue('--position'))")
    assert shown == pytest.approx(0.5, abs=0.01)  # the cursor follows the hand
    page.mouse.move(x + 2 * box["width"], y)  # beyond the end
    page.mouse.move(x + 0.25 * box["width"], y)
    page.mouse.up()
    assert position(element) == pytest.approx(1, abs=0.02)
    assert page.locator(".tu-ruler").get_attribute("aria-valuenow") == "1.0"


def test_solo_mute_and_volume(show, stems):
    page = show(player(stems, RATE))
    element = page.locator("tu-player")
    solo, mute = page.locator(".tu-solo"), page.locator(".tu-mute")
    page.locator(".tu-play").click()
    page.wait_for_function("document.querySelector('tu-player').run?.gains")
    assert gains(element) == [1, 1, 1]
    solo.nth(1).click()
    assert gains(element) == [0, 1, 0]
    assert solo.nth(1).get_attribute("aria-pressed") == "true"
    solo.nth(2).click()
    assert gains(element) == [0, 1, 1]
    mute.nth(1).click()
    assert gains(element) == [0, 0, 1]
    for button in (solo.nth(1), solo.nth(2), mute.nth(1)):
        button.click()
        assert button.get_attribute("aria-pressed") == "false"
    page.locator(".tu-volume").nth(0).fill("25")
    assert gains(element) == [0.25, 1, 1]


def test_what_is_muted_is_not_in_the_sound(show, tone):
    page = show(player({"low": tone(300), "high": tone(3000)}, RATE))
    low, high = np.abs(np.fft.rfft(render(page, 1, 2)))[[300, 3000]]
    page.locator(".tu-mute").nth(0).click()
    without, still = np.abs(np.fft.rfft(render(page, 1, 2)))[[300, 3000]]
    assert without < 1e-3 * low
    assert still == pytest.approx(high, rel=1e-3)


def test_a_region_is_looped(show, stems):
    page = show(player(stems, RATE))
    element = page.locator("tu-player")
    box = page.locator(".tu-ruler").bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.5 * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.25 * box["width"], y, steps=4)
    page.mouse.up()
    assert page.locator(".tu-loop").get_attribute("aria-pressed") == "true"
    loop = element.evaluate("(element) => element.loop")
    assert loop["start"] == pytest.approx(1, abs=0.02)
    assert loop["end"] == pytest.approx(2, abs=0.02)
    assert position(element) == loop["start"]
    page.locator(".tu-play").click()
    page.wait_for_function("document.querySelector('tu-player').run?.gains")
    seen = []
    for _ in range(12):
        page.wait_for_timeout(200)
        seen.append(position(element))
    assert all(loop["start"] <= each <= loop["end"] for each in seen)
    assert sum(after < before for before, after in itertools.pairwise(seen)) >= 2
    page.locator(".tu-loop").click()
    page.wait_for_timeout(1300)
    assert position(element) > loop["end"]


def test_versions_switch_what_is_heard_and_seen(show, versions):
    page = show(player(versions, RATE))
    element, buttons = page.locator("tu-player"), page.locator(".tu-choices button")
    assert buttons.all_inner_texts() == ["reference", "estimate", "mixture"]
    page.locator(".tu-play").click()
    page.wait_for_function("document.querySelector('tu-player').run?.gains")
    assert gains(element) == [1, 0, 1, 0, 0]
    buttons.nth(1).click()
    assert gains(element) == [0, 1, 0, 1, 0]
    assert buttons.nth(1).get_attribute("aria-pressed") == "true"
    assert page.locator(".tu-track").first.locator(".tu-picture:visible svg").get_attribute(
        "aria-label"
    ) == ("Waveform of bass, estimate")
    buttons.nth(2).click()
    assert gains(element) == [0, 0, 0, 0, 1]
    # To solo a stem asks for the stems.
    page.locator(".tu-solo").nth(1).click()
    assert gains(element) == [0, 0, 1, 0, 0]


def test_versions_switch_without_a_gap(show, tone):
    """The same tone in both versions: while they change places its level stays."""
    page = show(player({"a": {"reference": tone(441), "estimate": tone(441)}}, RATE))
    page.locator(".tu-play").click()
    page.wait_for_function("document.querySelector('tu-player').run?.gains")
    page.wait_for_timeout(300)
    page.evaluate(
        """
        () => {
          const { master } = document.querySelector("tu-player").run;
          const recorder = master.context.createScriptProcessor(4096, 1, 1);
          master.connect(recorder).connect(master.context.destination);
          window.recorded = [];
          recorder.onaudioprocess = ({ inputBuffer }) =>
            window.recorded.push(...inputBuffer.getChannelData(0));
        }
        """
    )
    for choice in (1, 0, 1):
        page.wait_for_timeout(250)
        page.locator(".tu-choices button").nth(choice).click()
        assert page.evaluate("document.querySelector('tu-player').choice") == choice
    page.wait_for_timeout(300)
    recorded, rate = page.evaluate(
        "[window.recorded, document.querySelector('tu-player').run.master.context.sampleRate]"
    )
    recorded = np.array(recorded)
    window = rate // 100
    levels = np.abs(recorded[: recorded.size // window * window]).reshape(-1, window).max(axis=1)
    assert recorded.size > 0.5 * rate
    # The codec alone changes the level of the tone by a tenth.
    assert levels.min() > 0.8 * levels.max() > 0.05


def test_keys(show, versions):
    page = show(player(versions, RATE))
    element = page.locator("tu-player")
    element.focus()
    press = page.keyboard.press
    press("ArrowRight")
    press("Shift+ArrowRight")
    assert position(element) == pytest.approx(1.1)
    press("ArrowLeft")
    assert position(element) == pytest.approx(0.1)
    press("End")
    assert position(element) == 4
    press("Home")
    assert position(element) == 0
    press(" ")
    page.wait_for_function("document.querySelector('tu-player').run?.gains")
    assert page.evaluate("window.scrollY") == 0
    press("2")
    assert gains(element) == [0, 1, 0, 1, 0]
    press("ArrowDown")
    press("ArrowDown")
    press("m")
    assert gains(element) == [0, 1, 0, 0, 0]
    press("m")
    press("ArrowUp")
    press("s")
    assert gains(element) == [0, 1, 0, 0, 0]
    press(" ")
    assert element.evaluate("(element) => element.run") is None
    press("Home")
    press("ArrowRight")
    press("[")
    press("ArrowRight")
    press("]")
    assert element.evaluate("(element) => element.loop") == {"on": True, "start": 1, "end": 2}
    press("l")
    assert element.evaluate("(element) => element.loop.on") is False


def test_keys_are_not_taken_from_others(show, stems):
    page = show(player(stems, RATE, title="first"), player(stems, RATE, title="second"))
    first, second = page.locator("tu-player").all()
    page.locator("#outside").focus()
    page.keyboard.type("m s l 1")
    assert page.locator("#outside").input_value() == "m s l 1"
    second.focus()
    page.keyboard.press("m")
    assert page.locator('.tu-mute[aria-pressed="true"]').count() == 1
    assert first.locator('.tu-mute[aria-pressed="true"]').count() == 0
    volume = second.locator(".tu-volume").first
    volume.focus()
    page.keyboard.press("ArrowLeft")  # belongs to the volume
    assert volume.input_value() == "99"
    assert position(second) == 0
    second.locator(".tu-solo").nth(2).focus()
    page.keyboard.press(" ")  # presses the button
    assert second.evaluate("(element) => element.run") is None
    assert second.locator(".tu-solo").nth(2).get_attribute("aria-pressed") == "true"
    second.focus()
    page.keyboard.press("Control+m")
    assert second.locator('.tu-mute[aria-pressed="true"]').count() == 1


def test_only_one_player_plays(show, stems):
    page = show(player(stems, RATE), player(stems, RATE))
    first, second = page.locator("tu-player").all()
    playing = "(element) => Boolean(element.run?.gains)"
    first.locator(".tu-play").click()
    page.wait_for_timeout(400)
    assert first.evaluate(playing)
    second.locator(".tu-play").click()
    page.wait_for_timeout(400)
    assert second.evaluate(playing) and not first.evaluate(playing)
    assert position(first) > 0.1  # it stays where it was
    same = "Array.from(document.querySelectorAll('tu-player'))"
    first.locator(".tu-play").click()
    page.wait_for_timeout(200)
    assert page.evaluate(f"{same}.filter((element) => element.run).length") == 1


# ------------------------------------------------------------------ sight


def test_names_stay_text(show, tone):
    names = [
        "<script>alert(1)</script>",
        "\"double\" and 'single' quotes & </script> </style>",
        "<img src=x onerror=alert(2)>",
    ]
    title = "</tu-player><script>alert(3)</script>"
    versions = {"</script><b>a": tone(200), "<!--<script>": tone(300)}
    sounds = {name: {key: sound / 4 for key, sound in versions.items()} for name in names}
    page = show(player(sounds, RATE, title=title))
    assert page.locator(".tu-name").all_inner_texts() == names
    assert page.locator(".tu-title").inner_text() == title
    assert page.locator(".tu-choices button").all_inner_texts() == list(versions)
    assert page.locator(".tu-mute").nth(1).get_attribute("aria-label") == f"Mute {names[1]}"
    assert page.locator("tu-player img, tu-player b").count() == 0
    page.locator(".tu-play").click()
    page.wait_for_timeout(300)
    assert position(page.locator("tu-player")) > 0


def test_inserted_after_the_page_was_read(show, stems):
    """As Jupyter does: the markup first, then each script again, also for a second output."""
    page = show(player(stems, RATE))
    page.evaluate(
        """
        (html) => {
          const output = document.createElement("div");
          output.innerHTML = html;
          document.body.append(output);
          for (const script of output.querySelectorAll("script")) {
            const again = document.createElement("script");
            for (const { name, value } of script.attributes) again.setAttribute(name, value);
            again.textContent = script.textContent;
            script.replaceWith(again);
          }
        }
        """,
        player(stems, RATE)._repr_html_(),
    )
    second = page.locator("tu-player").nth(1)
    second.locator(".tu-play").click()
    page.wait_for_timeout(500)
    assert position(second) > 0.1
    page.evaluate("document.querySelectorAll('tu-player')[1].remove()")
    assert page.evaluate("document.querySelectorAll('tu-player').length") == 1


DARK = [
    {"theme": "dark"},
    {"theme": None, "color_scheme": "dark"},
]
LIGHT = [
    {"theme": "light"},
    {"theme": None, "color_scheme": "light"},
    {"theme": "light", "color_scheme": "dark"},  # the page's choice comes first
]


@pytest.mark.parametrize(
    ("settings", "dark"), [(each, True) for each in DARK] + [(each, False) for each in LIGHT]
)
def test_light_and_dark(show, versions, contrast, settings, dark):
    page = show(player(versions, RATE, title="Title"), **settings)
    ground = page.locator("tu-player .tu-box").evaluate(
        "(e) => getComputedStyle(e).backgroundColor"
    )
    red = int(re.findall(r"\d+", ground)[0])
    assert red < 60 if dark else red > 220
    page.locator(".tu-solo").nth(0).click()
    page.locator(".tu-mute").nth(1).click()
    page.locator(".tu-loop").click()
    texts = ".tu-title, .tu-time, .tu-name, .tu-choices button, .tu-loop, .tu-solo, .tu-mute"
    for text in page.locator(f"{texts}, .tu-ruler span, .tu-help span, .tu-help kbd").all():
        assert contrast(text) >= 4.5, text.evaluate("(element) => element.outerHTML")


@pytest.mark.parametrize("view", ["waveform", "spectrogram"])
def test_phone(show, versions, view):
    names = {**versions, "a name that is much longer than others": versions["bass"]}
    page = show(player(names, RATE, title="A title of some length", view=view), width=375)
    width, visible = page.evaluate("[document.scrollingElement.scrollWidth, innerWidth]")
    assert width <= visible == 375
    frame = page.locator("tu-player").bounding_box()
    for part in page.locator("tu-player button, tu-player input, .tu-lane, .tu-ruler").all():
        box = part.bounding_box()
        assert box["x"] >= frame["x"]
        assert box["x"] + box["width"] <= frame["x"] + frame["width"] + 0.5
        assert box["height"] >= 20
    # The lanes and the ruler show the same time at the same place.
    left = {page.locator(area).first.bounding_box()["x"] for area in (".tu-lane", ".tu-ruler")}
    assert max(left) - min(left) < 0.5


def test_pictures_of_spectrograms_load_and_have_text(show, versions):
    page = show(player(versions, RATE, view="spectrogram"))
    pictures = page.locator("tu-player img")
    assert pictures.count() == 5
    for picture in pictures.all():
        assert picture.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 100
        assert picture.get_attribute("alt").startswith("Mel spectrogram of ")


def test_motion_is_reduced_on_demand(show, stems):
    updates = {}
    for wish in ("no-preference", "reduce"):
        page = show(player(stems, RATE), reduced_motion=wish)
        page.locator(".tu-play").click()
        page.wait_for_function("document.querySelector('tu-player').run?.gains")
        updates[wish] = page.evaluate(
            """
            async () => {
              const element = document.querySelector("tu-player");
              let count = 0;
              new MutationObserver(() => count++).observe(element, { attributeFilter: ["style"] });
              await new Promise((resolve) => setTimeout(resolve, 1500));
              return count;
            }
            """
        )
    assert updates["reduce"] <= 4 < 15 < updates["no-preference"]


def test_a_browser_that_cannot_decode_says_so(show, stems):
    page = show(player(stems, RATE))
    page.evaluate("document.querySelector('tu-player').data.files[1] = btoa('no sound')")
    page.locator(".tu-play").click()
    page.locator(".tu-status", has_text="could not play the sound").wait_for()
    assert page.locator(".tu-play").get_attribute("aria-label") == "Play"
