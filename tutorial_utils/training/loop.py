"""The training of a run that is kept: one loop, read from top to bottom."""

import json
import math
import sys
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path

import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from tutorial_utils import checkpoint, files
from tutorial_utils.config import Config, versions
from tutorial_utils.text import shown
from tutorial_utils.training import excerpts, mixtures, processes, steps
from tutorial_utils.training.board import Board

LOG = "log.jsonl"
_LOCK = ".training.lock"
_FREE = {"workers", "stall_after"}  # settings of the data that change nothing in what is learned


def train(
    folder: str | Path,
    *,
    resume: bool = False,
    from_: str = "last",
    device: str | None = None,
    progress: bool = True,
) -> Path:
    """Train the model of a run's folder, as its ``config.json`` says.

    A run that is stopped or killed at any moment and resumed ends with the weights that it would
    have had: on the CPU, with the same version of PyTorch and as many processes, identical ones.

    Parameters
    ----------
    folder : path-like
        With a ``config.json``, as :class:`tutorial_utils.config.Config` writes it.
    resume : bool
        Go on from a checkpoint, if there is one.
    from_ : str
        From which: "last", "best", or that of an epoch that was kept, such as "epoch-10".
    device : str, optional
        By default a GPU where there is one.
    progress : bool
        Show a bar.

    Returns
    -------
    Path
        The folder. It gains ``train.csv`` and ``validation.csv``, the tables of mixtures;
        ``checkpoint/``; ``log.jsonl``, a line per step and per epoch; ``audio/`` and ``images/``
        with what the best model so far makes of some mixtures that are held out; and ``runs/``, if
        TensorBoard is asked for.

    Raises
    ------
    ValueError
        If a setting makes no sense; if the run has checkpoints and is not resumed; or if a setting
        of the model or the data has changed since.
    FloatingPointError
        If a loss or a gradient is not finite. The last checkpoint is from before.
    ImportError
        If TensorBoard is asked for and is not installed.
    RuntimeError
        If another process trains in the same folder, or the processes that render stop rendering.
    """
    run = files.expanded(folder).absolute()
    config = Config.read(run)
    training = config.training
    device = processes.device_of(device)

    with (
        processes.place(device) as place,
        _alone(run, place),
        _Log(run, place) as log,
        Board(run, training.tensorboard and place.first) as board,
    ):
        # What the run is made of. All that is random follows from the seed.
        torch.manual_seed(training.seed)
        model = config.build().to(device)
        if training.start_from:
            model.load_state_dict(_weights_of(training.start_from))
        if place.first:
            mixtures.tables(config, run)  # are drawn where there are none
        place.wait()
        tables = mixtures.tables(config, run)
        loaders = {
            name: mixtures.Loader(
                table, model.labels, config, place.rank, place.world, pinned=device.type == "cuda"
            )
            for name, table in tables.items()
        }
        ema = None
        if training.ema:
            average = get_ema_multi_avg_fn(training.ema)
            ema = AveragedModel(model, multi_avg_fn=average, use_buffers=True)
        optimizer = steps.optimizer_of(model, training)
        per_epoch = len(loaders["train"]) // training.accumulate
        schedule = steps.Schedule(optimizer, training, per_epoch * training.epochs)
        clip = steps.Clip(training)
        outputs = steps.outputs_of(model, training)
        if place.world > 1:
            outputs = steps.gathered(model, outputs)
        scaler = torch.amp.GradScaler(device.type, enabled=training.precision == "16-mixed")
        at = {"epoch": 0, "batch": 0, "step": 0, "best": math.inf, "stale": 0}

        # Where it goes on.
        known = checkpoint.names(run)
        if known and not resume:
            raise ValueError(
                f"{shown(run)} has checkpoints: go on with --resume, or make another folder."
            )
        if known:
            weights, state, averaged = checkpoint.load(run, from_)
            _require_same(run, config, state, log)
            model.load_state_dict(weights)
            if ema is not None and averaged is not None:
                ema.module.load_state_dict(averaged)
                ema.n_averaged.fill_(state["averaged"])
            optimizer.load_state_dict(state["optimizer"])
            scaler.load_state_dict(state["scaler"])
            schedule.state, clip.norms, at = state["schedule"], state["norms"], state["at"]
            if len(state["random"]) == place.world:
                _set_random(state["random"][place.rank])
        else:
            torch.manual_seed(training.seed + place.rank)  # each process has a dropout of its own
            config.record = {"versions": versions(), "tables": mixtures.fingerprints(run)}
            if place.first:
                config.write(run)
        log.back_to(at["step"], at["epoch"])
        board.back_to(at["step"])

        def save(*names):
            random = place.gathered(_random())
            if not place.first:
                return
            state = {
                "at": at,
                "config": config.text(),
                "tables": mixtures.fingerprints(run),
                "optimizer": optimizer.state_dict(),
                "schedule": schedule.state,
                "scaler": scaler.state_dict(),
                "norms": clip.norms,
                "averaged": 0 if ema is None else int(ema.n_averaged),
                "random": random,
            }
            averaged = None if ema is None else ema.module.state_dict()
            weights = model.state_dict()
            checkpoint.save(run, at["step"], at["epoch"], list(names), weights, state, averaged)

        amp = nullcontext()
        if training.precision != "32":
            kind = torch.bfloat16 if training.precision == "bf16-mixed" else torch.float16
            amp = torch.autocast(device.type, kind)

        # The loop.
        total = per_epoch * training.epochs
        hidden = not (progress and place.first)
        bar = tqdm(
            total=total, initial=at["step"], unit="step", disable=hidden, mininterval=_pace()
        )
        with bar:
            while at["epoch"] < training.epochs and at["stale"] < training.patience:
                model.train()
                bar.set_description(f"epoch {at['epoch'] + 1}/{training.epochs}")
                for mixture, sources in loaders["train"].batches(at["epoch"], at["batch"]):
                    begun = time.perf_counter()
                    with amp:
                        batch = (part.to(device, non_blocking=True) for part in (mixture, sources))
                        loss = steps.loss_of(outputs, model, *batch, training)
                    value = place.mean(loss).item()
                    if not math.isfinite(value):
                        raise FloatingPointError(
                            f"The loss is {value} at step {at['step']}. The last checkpoint "
                            "is from before. Try a lower learning_rate, or clip=auto, and look "
                            "whether the mixtures hold NaN."
                        )
                    scaler.scale(loss / training.accumulate).backward()
                    at["batch"] += 1
                    if at["batch"] % training.accumulate:
                        continue
                    scaler.unscale_(optimizer)
                    norm = clip(model.parameters())
                    if not (math.isfinite(norm) or scaler.is_enabled()):  # which skips the step
                        raise FloatingPointError(
                            f"The gradient's norm is {norm} at step {at['step']}. The last "
                            "checkpoint is from before. Try a lower learning_rate."
                        )
                    schedule.step()
                    scaler.step(optimizer)
                    scaler.update()
                    optimizer.zero_grad()
                    if ema is not None:
                        ema.update_parameters(model)
                    at["step"] += 1
                    log.step(at, value, norm, optimizer, time.perf_counter() - begun)
                    board.step(at["step"], value, norm, optimizer)
                    bar.set_postfix(loss=f"{value:.4f}", refresh=False)
                    bar.update()
                    if at["step"] % training.checkpoint_every == 0:
                        save("last")
                optimizer.zero_grad()  # of batches that did not make a whole step

                judged = (model if ema is None else ema.module).eval()
                if hasattr(judged, "learn_centres"):
                    batch = loaders["train"].first(training.batch_size)
                    steps.label_clusters(judged, *(part.to(device) for part in batch))
                value = _validate(judged, loaders["validation"], training, device, place)
                schedule.epoch(value)
                better = value < at["best"] - training.minimum_change
                at["stale"] = 0 if better else at["stale"] + 1
                at["best"] = min(at["best"], value)
                at["epoch"], at["batch"] = at["epoch"] + 1, 0
                log.epoch(at, value)
                board.epoch(at["step"], value)
                if better and training.excerpts and place.first:
                    batch = loaders["validation"].first(training.excerpts)
                    for excerpt in excerpts.write(run, judged, *batch):
                        board.excerpt(at["step"], excerpt)
                names = ["last"] + ["best"] * better
                if training.keep_every and at["epoch"] % training.keep_every == 0:
                    names.append(f"epoch-{at['epoch']}")
                save(*names)
    return run


def _validate(model, loader, training, device, place) -> float:
    """The mean loss on the mixtures of songs that are held out."""
    values, outputs = [], steps.outputs_of(model, training)
    with torch.no_grad():
        for mixture, sources in loader.batches(0):
            batch = (part.to(device, non_blocking=True) for part in (mixture, sources))
            loss = steps.loss_of(outputs, model, *batch, training)
            values.append(place.mean(loss).item())
    value = sum(values) / len(values)
    if not math.isfinite(value):
        raise FloatingPointError(f"The validation loss is {value}. The last checkpoint is kept.")
    return value


def _pace() -> float:
    """Seconds between two states of the bar: seldom in a log, where each is a line for good."""
    watched = sys.stderr.isatty() or "ipykernel" in sys.modules
    return 0.1 if watched else 30.0


def _weights_of(folder):
    weights, _, averaged = checkpoint.load(folder, "best")
    return averaged or weights


def _require_same(run, config, state, log):
    """Refuse to go on with another model or other data; note what else has changed."""
    changed = config.differences(Config.parsed(state["config"]))
    free = _FREE | {*vars(config.training)}
    if wrong := [name for name in changed if name not in free]:
        listed = "; ".join(f"{name}: {changed[name][0]} -> {changed[name][1]}" for name in wrong)
        raise ValueError(
            f"This run was begun with another model or other data ({shown(listed)}). Put the "
            "settings back, or make another run, with start_from to begin with these weights."
        )
    if mixtures.fingerprints(run) != state["tables"]:
        raise ValueError(
            f"The tables of mixtures in {shown(run)} are not those that this run was begun with. "
            "Put them back, or make another run."
        )
    if changed:
        log.changed[state["at"]["step"]] = changed


def _random():
    """The states of all that is drawn from."""
    return torch.get_rng_state(), torch.cuda.get_rng_state_all()


def _set_random(states):
    cpu, cuda = states
    torch.set_rng_state(cpu)
    if cuda and len(cuda) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(cuda)


@contextmanager
def _alone(run, place):
    """Keep other runs out of the folder while this one trains in it."""
    from filelock import FileLock, Timeout

    if not place.first:
        yield
        return
    try:
        with FileLock(run / _LOCK, timeout=0):
            yield
    except Timeout:
        raise RuntimeError(
            f"Another process trains in {shown(run)}. Wait for it, or stop it first."
        ) from None


class _Log:
    """A JSON object per line: steps and epochs, as they went into the weights."""

    def __init__(self, run, place):
        self.path, self.place, self.changed, self.file = run / LOG, place, {}, None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.file:
            self.file.close()

    def back_to(self, step, epoch):
        """Drop what came after a step, and the ends of epochs after one, which will come again."""
        if not self.place.first:
            return
        kept = []
        if self.path.exists():
            for line in self.path.read_text(encoding="utf-8").splitlines():
                try:
                    entry = json.loads(line)
                except ValueError:  # the line that was being written when the run was killed
                    continue
                again = "validation" in entry and entry["epoch"] > epoch
                if 0 < entry.get("step", 0) <= step and not again:
                    kept.append(line)
        with files.whole_file(self.path) as temporary:
            temporary.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
        self.file = self.path.open("a", encoding="utf-8")
        for at, changed in self.changed.items():
            self._write({"step": at, "changed": changed})

    def step(self, at, loss, norm, optimizer, seconds):
        rates = [group["lr"] for group in optimizer.param_groups]
        entry = {"step": at["step"], "epoch": at["epoch"] + 1, "loss": loss, "norm": norm}
        self._write({**entry, "rates": rates, "seconds": round(seconds, 4)})

    def epoch(self, at, value):
        entry = {"step": at["step"], "epoch": at["epoch"], "validation": value}
        self._write({**entry, "best": at["best"], "time": time.strftime("%Y-%m-%dT%H:%M:%S")})

    def _write(self, entry):
        if self.file:
            self.file.write(json.dumps(entry) + "\n")
            self.file.flush()
