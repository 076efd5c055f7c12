"""``tutorial-utils config``: make a run's folder, or change its settings."""

import argparse
from pathlib import Path

from tutorial_utils.cli.common import PROGRAM
from tutorial_utils.text import shown


def add(commands):
    parser = commands.add_parser(
        "config",
        help="make the folder of a run with all its settings, or change them",
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("target", metavar="MODEL|FOLDER", help="a model's name, or a run's folder")
    parser.add_argument("--name", metavar="NAME", help="of the new folder (the model's)")
    parser.add_argument("--save", metavar="FOLDER", help="in which it is made (here)")
    parser.add_argument("--preset", choices=("full", "tiny"), help="of a new run's model (full)")
    parser.add_argument("--display", action="store_true", help="print all settings")
    parser.set_defaults(run=run, settings=True)


_DESCRIPTION = """\
With the name of a model, make a folder with a config.json that holds every
setting and its default. With a folder, change settings in it.

A setting is given as --SETTING VALUE; --display shows all there are.
"""
_EXAMPLE = f"""\
example:
  {PROGRAM} config SpectrogramNetSimple --name my_model --save runs
  {PROGRAM} config runs/my_model --mask_activation relu --dropout_p 0.4 --display
  {PROGRAM} train runs/my_model

  Which models there are, says {PROGRAM} models.
"""


def run(options):
    from tutorial_utils.config import Config, about

    target = Path(options.target).expanduser()
    if target.is_dir():
        if options.name or options.save or options.preset:
            raise ValueError(
                f"{shown(target)} is a run: --name, --save and --preset make a new one."
            )
        folder, config = target, Config.read(target)
    else:
        config = Config.of(options.target, options.preset or "full")
        folder = Path(options.save or ".").expanduser() / (options.name or options.target)
        if folder.exists():
            raise FileExistsError(f"{shown(folder)} exists already. Choose another --name.")
    changed = config.edited(pairs(options.rest))
    changed.write(folder)
    if options.display:
        for name, value in changed.settings().items():
            words = about(name)
            print(f"{name} = {shown(value)}{f'    # {words}' if words else ''}")
    print(f"{shown(folder)}: {changed.model['name']}", end="")
    difference = changed.differences(config)
    print("".join(f", {name} {shown(a)} -> {shown(b)}" for name, (a, b) in difference.items()))
    return 0


def pairs(rest) -> dict[str, str]:
    """The settings of a command line: ``--name value`` or ``--name=value``, by turns."""
    found, rest = {}, list(rest)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--") or word == "--":
            raise ValueError(f"'{shown(word)}' belongs to no setting: give --SETTING VALUE.")
        name, equals, value = word[2:].partition("=")
        if not equals:
            if not rest or (rest[0].startswith("--") and len(rest[0]) > 2):
                raise ValueError(f"--{shown(name)} needs a value.")
            value = rest.pop(0)
        found[name] = value
    return found
