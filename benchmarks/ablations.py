"""Advice put to the test: one small model, trained again and again with one thing changed.

    python -m benchmarks.ablations                    # all that is not done yet
    python -m benchmarks.ablations coherent songs     # these questions
    python -m benchmarks.ablations --seeds 5 --work FOLDER

Every training has as many examples and, where the batch size is not the question, as many steps.
Each is a run folder of the package in ``--work``, so that what was stopped goes on. A score is the
SI-SDR improvement over the mixture, the mean over the sources and over the test songs of TinyStems,
in mono; intervals are over seeds. What comes out lies in ``tutorial_utils/results/ablations.json``.
"""

import argparse
import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.stats

import tutorial_utils as tu
from benchmarks import zoo
from tutorial_utils import checkpoint, files, results, tinystems
from tutorial_utils.config import Config, versions
from tutorial_utils.data import MixtureTable, open_songs
from tutorial_utils.evaluation import improvement, si_sdr
from tutorial_utils.training import mixtures

MODEL, RATE = "MaskInference", 3e-3  # the learning rate, for batches of 8
STEPS, BATCH, SEEDS = 200, 8, 3
SONGS = 20  # of TinyStems' training songs
WORK = Path("_build/ablations")

#: What is changed, by question and answer; of each question the first answer is the usual setting.
QUESTIONS = {
    "coherent": {"½": {}, "0": {"coherent": 0.0}, "1": {"coherent": 1.0}},
    "levels": {"drawn anew": {}, "the songs' own": {"snr": None}},
    "pitch and tempo": {
        "as they are": {},
        "changed": {
            "pitch_shift": ("uniform", -2, 2),
            "time_stretch": ("uniform", 0.9, 1.1),
        },
    },
    "segments": {"all": {}, "audible vocals": {"audible": "vocals"}},
    "songs": {"20": {}, "4": {"songs": 4}, "200": {"songs": 200}},
    "batch size": {
        "8": {},
        "2": {"batch_size": 2},
        "4": {"batch_size": 4},
        "16": {"batch_size": 16},
        "32": {"batch_size": 32},
    },
}


@cache
def songs(count: int) -> tuple:
    """So many training songs: the first of TinyStems, or, where these are too few, of another set.

    The other set has another seed, and neither validation nor test songs.
    """
    if count > SONGS:
        folder = tinystems.build(seed=1, n_train=count, n_valid=0, n_test=0)
    else:
        folder = tinystems.build()
    return tuple(song for song in open_songs(folder) if song.split == "train")[:count]


def table(seed: int, change: dict) -> MixtureTable:
    """The mixtures of a training."""
    drawn = {"coherent": 0.5, "pitch_shift": None, "time_stretch": None} | change
    count = drawn.pop("songs", SONGS)
    drawn.pop("batch_size", None)
    return MixtureTable.sample(
        songs(count), STEPS * BATCH, seed, zoo.SECONDS, channels=1, sample_rate=zoo.RATE, **drawn
    )


def config(seed: int, change: dict) -> Config:
    batch = change.get("batch_size", BATCH)
    found = zoo.config_of(MODEL, tinystems.build(), RATE, STEPS)
    # Larger batches mean fewer steps; by the square root of their size these may be longer.
    return found.edited(
        {
            "seed": seed,
            "batch_size": batch,
            "learning_rate": RATE * (batch / BATCH) ** 0.5,
            "warmup": STEPS * BATCH // batch // 20,
            "validation_mixtures": 32,
        }
    )


def gains(model) -> dict[str, float]:
    """The SI-SDR improvement of each source, in dB, the mean over the test songs."""
    found = []
    for song in open_songs(tinystems.build()):
        if song.split != "test":
            continue
        stems = {label: stem.mean(0, keepdims=True) for label, stem in song.stems().items()}
        mixture = sum(stems.values())
        estimates = tu.separate(model, mixture, song.sample_rate)
        found.append(
            {
                label: np.mean(improvement(si_sdr, stem, estimates[label], mixture))
                for label, stem in stems.items()
            }
        )
    return pd.DataFrame(found).mean().to_dict()


def outcome(work: Path, seed: int, change: dict) -> dict[str, float]:
    """Train, and score; or find it done. Equal trainings of two questions are the same folder."""
    named = [f"{key} {value}" for key, value in change.items()] or ["usual"]
    folder = work / f"{', '.join(named).replace('/', '-')}, seed {seed}"
    scored = folder / "gains.json"
    if not scored.exists():
        drawn = folder / "tables"
        drawn.mkdir(parents=True, exist_ok=True)
        settings = config(seed, change)
        if not (drawn / mixtures.TABLES["train"]).exists():
            table(seed, change).to_csv(drawn / mixtures.TABLES["train"])
            whole = zoo.tables(work, tinystems.build(), STEPS)
            held = MixtureTable.from_csv(whole / mixtures.TABLES["validation"])
            held.to_csv(drawn / mixtures.TABLES["validation"])
        zoo.run(folder, settings, drawn, quiet=True)
        found = gains(checkpoint.load_model(folder, "last"))
        with files.whole_file(scored) as temporary:
            temporary.write_text(json.dumps(found), encoding="utf-8")
    return json.loads(scored.read_text(encoding="utf-8"))


def summed_up(values: list[float]) -> dict:
    """The mean over seeds, with the 95 % interval of Student's t."""
    half = scipy.stats.t.ppf(0.975, len(values) - 1) * scipy.stats.sem(values)
    mean = float(np.mean(values))
    return {"value": mean, "low": mean - half, "high": mean + half, "seeds": values}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("questions", nargs="*", help=f"of {', '.join(QUESTIONS)}")
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"of each training ({SEEDS})")
    parser.add_argument("--work", type=Path, default=WORK, help=f"where runs are kept ({WORK})")
    options = parser.parse_args(arguments)
    known = results.read(results.ABLATIONS) if results.ABLATIONS.exists() else {}
    answers = known.get("answers", [])
    for question in options.questions or QUESTIONS:
        answers = [each for each in answers if each["question"] != question]
        for answer, change in QUESTIONS[question].items():
            found = [outcome(options.work, seed, change) for seed in range(options.seeds)]
            score = summed_up([float(np.mean([*each.values()])) for each in found])
            by_source = pd.DataFrame(found).mean().round(3).to_dict()
            answers.append({"question": question, "answer": answer, **score, "sources": by_source})
            print(f"{question}, {answer}: {score['value']:.2f} dB {score['seeds']}", flush=True)
        settings = {
            "model": MODEL,
            "settings": zoo.settings_of(MODEL),
            "steps": STEPS,
            "batch_size": BATCH,
            "seconds": zoo.SECONDS,
            "learning_rate": RATE,
            "versions": versions(),
        }
        results.write(results.ABLATIONS, {"settings": settings, "answers": answers})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
