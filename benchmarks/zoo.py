"""Train the ``tiny`` preset of every model alike, and keep weights and scores.

    python -m benchmarks.zoo                       # all that is not done yet
    python -m benchmarks.zoo Demucs Chimera        # these
    python -m benchmarks.zoo --score               # score what there is, and write the tables
    python -m benchmarks.zoo --steps 5000 --work FOLDER

All models see the same mixtures of TinyStems in the same order, in mono and at half its rate: one
pass over a table of ``8 * STEPS`` mixtures of two seconds. The learning rate of each is the best
one of a small search with shorter trainings, judged by the validation songs. Each
training is a run folder of the package in ``--work``, so that one that was stopped goes on.

What comes out lies in the package: ``tutorial_utils/models/weights/NAME.safetensors``, in 16-bit
floats, and ``tutorial_utils/results/zoo.json``. The scores are those of the weights in 16 bits.
"""

import argparse
import json
import math
import os
import time
from functools import partial
from pathlib import Path

import pandas as pd
import torch

from tutorial_utils import checkpoint, models, results, tinystems
from tutorial_utils.classics import METHODS
from tutorial_utils.config import Config, versions
from tutorial_utils.data import open_songs
from tutorial_utils.evaluation import (
    SDR,
    SI_SDR,
    evaluate,
    ideal_binary_mask,
    ideal_ratio_mask,
    intervals,
    per_song,
)
from tutorial_utils.models import trained
from tutorial_utils.training import mixtures, train

RATE = 22050
STEPS, TRIAL = 300, 30
BATCH, SECONDS = 8, 2.0
RATES = (1e-3, 3e-3, 1e-2)
WORK = Path("_build/zoo")
MIXTURE, IMPROVEMENT = "mixture", "SI-SDR improvement"
ORACLES = {"ratio mask (oracle)": ideal_ratio_mask, "binary mask (oracle)": ideal_binary_mask}


def settings_of(name: str) -> dict:
    """The preset ``tiny`` with the same windows in seconds at a lower rate, and for mono."""
    tiny = models.settings_of(name, "tiny")
    half = {key: tiny[key] // 2 for key in ("n_fft", "hop", "max_bin") if tiny.get(key)}
    if inner := tiny.get("spectrogram"):
        half["spectrogram"] = {**inner, "n_fft": inner["n_fft"] // 2, "hop": inner["hop"] // 2}
    mono = {"channels": 1} if "channels" in tiny else {}
    return {"sample_rate": RATE, **half, **mono}


def config_of(name: str, songs: Path, rate: float, steps: int) -> Config:
    """One epoch of so many steps."""
    training = {
        "songs": str(songs),
        "mixtures": steps * BATCH,
        "validation_mixtures": 48,
        "duration": SECONDS,
        "batch_size": BATCH,
        "epochs": 1,
        "loss": "snr",
        "learning_rate": rate,
        "schedule": "cosine",
        "warmup": steps // 20,
        "clip": "auto",
        "clip_value": 50.0,
        "excerpts": 0,
    }
    return Config.of(name, "tiny").edited({**settings_of(name), **training})


def tables(work: Path, songs: Path, steps: int) -> Path:
    """The folder with the tables that all models get."""
    folder = work / f"tables-{steps}"
    folder.mkdir(parents=True, exist_ok=True)
    mixtures.tables(config_of("OpenUnmix", songs, RATES[0], steps), folder)
    return folder


def run(folder: Path, config: Config, drawn: Path, quiet: bool) -> float:
    """Train in a folder, or go on, or find it done; the validation loss, or infinity."""
    if not (folder / "config.json").exists():
        config.write(folder)
        for file in mixtures.TABLES.values():
            (folder / file).write_bytes((drawn / file).read_bytes())
    try:
        train(folder, resume=True, progress=not quiet)
    except FloatingPointError as error:
        print(f"{folder}: {error}", flush=True)
        return math.inf
    return checkpoint.load(folder)[1]["at"]["best"]


def learned(name: str, work: Path, songs: Path, steps: int, quiet: bool) -> Path:
    """Search a learning rate, train, and write the weights."""
    trial, whole = (tables(work, songs, count) for count in (TRIAL, steps))
    began = time.monotonic()
    found = {
        rate: run(work / name / f"trial-{rate:g}", config_of(name, songs, rate, TRIAL), trial, True)
        for rate in RATES
    }
    best = min(found, key=found.get)
    folder = work / name / f"run-{steps}"
    loss = run(folder, config_of(name, songs, best, steps), whole, quiet)
    about = {
        "steps": steps,
        "mixtures": steps * BATCH,
        "seconds": SECONDS,
        "batch_size": BATCH,
        "learning_rate": best,
        "search": {f"{rate:g}": value for rate, value in found.items()},
        "validation": loss,
        "songs": f"TinyStems {tinystems.VERSION}",
        "table": mixtures.fingerprints(folder)["train"],
        "versions": versions(),
    }
    settings = {key: value for key, value in Config.read(folder).model.items() if key != "name"}
    path = trained.save(name, checkpoint.load_model(folder, "last"), settings, about)
    minutes = (time.monotonic() - began) / 60
    print(f"{name}: rate {best:g} of {found}, loss {loss:.2f}, {minutes:.1f} min", flush=True)
    return path


def methods() -> dict:
    """All that is scored: mixture, classical methods, oracles, and the models that are there."""

    def whole(song, start, duration):
        return dict.fromkeys(song.labels, song.mixture(start, duration))

    def oracle(estimate, song, start, duration):
        stems = song.stems(start, duration)
        return estimate(stems, sum(stems.values()))

    def classical(method, song, start, duration):
        found = method(song.mixture(start, duration), song.sample_rate)
        return {label: found[label] for label in found if label in song.labels}

    found = {MIXTURE: whole}
    found |= {name: partial(classical, method) for name, method in METHODS.items()}
    found |= {name: partial(oracle, function) for name, function in ORACLES.items()}
    return found | {name: models.load(name) for name in models.names() if there(name)}


def there(name: str) -> bool:
    return trained.path_of(name).exists()


def costs(name: str) -> dict:
    """Weights, operations and time of a model, per second of mono audio."""
    model = models.load(name)
    about = models.summary(model)
    mixture = torch.randn(1, 1, 10 * model.sample_rate)
    torch.set_num_threads(1)
    seconds = []
    with torch.no_grad():
        for _ in range(4):
            began = time.perf_counter()
            model(mixture)
            seconds.append(time.perf_counter() - began)
    return {
        "weights": about.weights,
        "operations": about.operations / (model.channels or 2),
        "real-time factor": min(seconds) / 10,
    }


def summed_up(table: pd.DataFrame) -> list[dict]:
    """Medians over songs with intervals: SDR (BSS Eval v4), and how much SI-SDR has improved."""
    by_song = per_song(table[table["metric"].isin([SDR, SI_SDR])])
    keys = ["song", "source", "metric"]
    before = by_song[by_song["method"] == MIXTURE].set_index(keys)["value"]
    ratio = by_song["metric"] == SI_SDR
    by_song.loc[ratio, "value"] -= before.reindex(by_song.loc[ratio, keys]).to_numpy()
    by_song.loc[ratio, "metric"] = IMPROVEMENT
    found = intervals(by_song.assign(time=float("nan"))).round(3)
    return json.loads(found.to_json(orient="records"))


def score(songs, kept: Path) -> dict:
    """Scores of all methods on some songs, those of each song being kept in a folder."""
    table = evaluate(methods(), songs, kept, jobs=-1)
    return {"songs": len(songs), "scores": summed_up(table)}


def readme(found: dict) -> str:
    """The table of the README, in Markdown."""
    scores = pd.DataFrame(found["TinyStems"]["scores"]).set_index(["method", "source", "metric"])
    sources = ("drums", "bass", "other", "vocals")

    def cell(method, source):
        if (method, source, SDR) not in scores.index:
            return ""
        parts = (scores.loc[(method, source, metric)] for metric in (IMPROVEMENT, SDR))
        return " / ".join(f"{p['value']:.1f} [{p['low']:.1f}, {p['high']:.1f}]" for p in parts)

    def best(source):
        known = [name for name in METHODS if (name, source, SDR) in scores.index]
        return max(known, key=lambda name: scores.loc[(name, source, SDR), "value"], default="")

    lines = [f"| model | weights | operations | real-time factor | {' | '.join(sources)} |"]
    lines.append("| --- " * (4 + len(sources)) + "|")
    for name, cost in found["costs"].items():
        sizes = f"{cost['weights'] / 1e6:.2f} M | {cost['operations'] / 1e9:.2f} G/s"
        cells = " | ".join(cell(name, source) for source in sources)
        lines.append(f"| {name} | {sizes} | {cost['real-time factor']:.3f} | {cells} |")
    for name in (MIXTURE, "ratio mask (oracle)"):
        lines.append(f"| *{name}* | | | | {' | '.join(cell(name, s) for s in sources)} |")
    classical = [f"{best(s)}: {cell(best(s), s)}" if best(s) else "" for s in sources]
    lines.append(f"| *best classical method* | | | | {' | '.join(classical)} |")
    return "\n".join(lines)


def write_readme(found: dict) -> None:
    path = Path(__file__).parents[1] / "README.md"
    before, _, rest = path.read_text(encoding="utf-8").partition("<!-- zoo -->\n")
    after = rest.partition("<!-- /zoo -->")[2]
    text = f"{before}<!-- zoo -->\n{readme(found)}\n<!-- /zoo -->{after}"
    path.write_text(text, encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(models.names())}")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"of each training ({STEPS})")
    parser.add_argument("--work", type=Path, default=WORK, help=f"where runs are kept ({WORK})")
    parser.add_argument("--score", action="store_true", help="score only")
    parser.add_argument("--quiet", action="store_true", help="without bars")
    options = parser.parse_args(arguments)
    songs = tinystems.build()
    for name in options.names or models.names():
        if not options.score:
            learned(name, options.work, songs, options.steps, options.quiet)
    test = [song for song in open_songs(songs) if song.split == "test"]
    found = {"versions": versions(), "TinyStems": score(test, options.work / "scores")}
    if real := os.environ.get("MUSDB_PATH"):
        real_songs = [song for song in open_songs(real) if song.split == "test"]
        found["MUSDB18"] = score(real_songs or open_songs(real), options.work / "scores-musdb")
    found["costs"] = {name: costs(name) for name in models.names() if there(name)}
    results.write(results.ZOO, found)
    write_readme(found)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
