"""``tutorial-utils models`` and ``runs``: what there is."""

import argparse

from tutorial_utils.cli.common import PROGRAM
from tutorial_utils.text import shown


def add(commands):
    parser = commands.add_parser(
        "models",
        help="list the models, or sum one up",
        description="List all models with what they cost, or sum one up, layer by layer.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL", nargs="?", help="to be summed up")
    parser.add_argument("--preset", choices=("full", "tiny"), default="full", help="(full)")
    parser.set_defaults(run=models)
    parser = commands.add_parser(
        "runs",
        help="list all runs in a folder in one table",
        description="List the runs in a folder: model, epochs, losses, and where settings differ.",
        epilog=f"Runs are made by {PROGRAM} config and {PROGRAM} train.",
    )
    parser.add_argument("folder", metavar="FOLDER", nargs="?", default=".", help="(this one)")
    parser.set_defaults(run=runs)


def models(options):
    from tutorial_utils.models import names, summary

    if options.model:
        print(summary(options.model, options.preset))
        return 0
    print(f"{'model':22} {'weights':>12} {'operations':>16} {'sees':>18}")
    for name in names():
        found = summary(name, options.preset)
        print(
            f"{name:22} {found.weights / 1e6:8.2f} M   {found.operations / 1e9:10.2f} G/s   "
            f"{found.facts['receptive field']:>18}"
        )
    return 0


def runs(options):
    from tutorial_utils.cli.evaluate import shown_table
    from tutorial_utils.training.runs import runs as listed

    table = listed(options.folder)
    print(shown_table(table.map(lambda value: shown(value) if isinstance(value, str) else value)))
    return 0
