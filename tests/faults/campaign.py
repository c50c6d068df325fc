"""Disturbs the program in every way that machines and users know, and looks whether it keeps its promises.

    campaign.py kills --minutes 10            # one campaign, for so long
    campaign.py all --count 20 --ranks 1,2    # all of them, 20 cases each
    campaign.py kills --seed 1 --case 17      # one case again

Each case is drawn from the seed, the campaign's name and the case's number alone. Exit status 1 where there is a
finding: a lost state, a result that differs in silence, a crash, a hang, a wrong exit status, a missing or repeated
message.
"""
import argparse
import collections
import os
import random
import shlex
import shutil
import sys
import tempfile
import time
from pathlib import Path

from damage import Damage, Flips
from failing_calls import FailingCalls, FullDisks
from fuzzers import fuzz
from interruptions import Kills, Signals
from mutated_decks import MutatedDecks, Options
from mutated_files import MutatedFiles
from results import Prepared
from running import Finding, Program, SkipCampaign

CAMPAIGNS = {
    campaign.name: campaign
    for campaign in (Kills, Signals, FailingCalls, FullDisks, Damage, Flips, MutatedDecks, MutatedFiles, Options)
}
# How a case that is no finding ended.
KINDS = {
    "unharmed": "done, results as undisturbed (or nothing to compare with)", "refused": "refused as it should be",
    "recovered": "interrupted, resumed to the same results",
    "other numbers": "done, finite results; the numbers of a file that nobody can check had changed",
    "elsewhere": "a call of a library failed that concerns no file of the user"
}


class Table:
    """The outcomes of the campaigns."""
    def __init__(self):
        self.counts = {}  # by campaign: number of cases by kind
        self.skipped = {}
        self.findings = 0

    def add(self, campaign, kind):
        self.counts.setdefault(campaign, collections.Counter())[kind] += 1

    def print(self):
        kinds = [*KINDS, "findings"]
        print("\n| campaign | cases | " + " | ".join(kinds) + " |")
        print("| --- " * (len(kinds) + 2) + "|")
        for name, counts in self.counts.items():
            print(f"| {name} | {sum(counts.values())} | " + " | ".join(str(counts[kind]) for kind in kinds) + " |")
        for name, why in self.skipped.items():
            print(f"| {name} | skipped: {why} |")


def repeat_command(options, name, number):
    ranks, script = ",".join(map(str, options.ranks)), os.path.abspath(__file__)
    return (f"{sys.executable} -B {shlex.quote(script)} {name} --case {number} --seed {options.seed} "
            f"--ranks {ranks} --limit {options.limit:g} --program {shlex.quote(options.program)}")


def run_case(campaign, options, number, place, table):
    """Runs one case in the new folder `place`, which is kept where it is a finding."""
    place.mkdir(parents=True)
    try:
        kind = campaign.case(random.Random(f"{options.seed} {campaign.name} {number}"), place / "work")
    except Finding as finding:
        table.findings += 1
        kind = "findings"
        print(f"FINDING {campaign.name} {number}: {finding}")
        print(f"  again: {repeat_command(options, campaign.name, number)}\n  files: {place}", flush=True)
    table.add(campaign.name, kind)
    if kind != "findings":
        if options.case is not None:
            print(f"{campaign.name} {number}: {kind}: {KINDS[kind]}")
        shutil.rmtree(place, ignore_errors=True)  # Open MPI may still be removing its own files


def numbers(options, minutes):
    """The numbers of the cases: the one asked for, or 1, 2, ... until the count or the time is reached."""
    if options.case is not None:
        yield options.case
        return
    end = time.monotonic() + 60 * minutes if minutes else float("inf")
    number = 0
    while time.monotonic() < end and (not options.count or number < options.count):
        number += 1
        yield number


def run_campaign(name, options, prepared, minutes, folder, table):
    try:
        campaign = CAMPAIGNS[name](prepared, options.ranks)
        for number in numbers(options, minutes):
            run_case(campaign, options, number, folder / name / str(number), table)
    except SkipCampaign as skip:
        table.skipped[name] = skip


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("campaign",
                        choices=[*CAMPAIGNS, "fuzz", "all"],
                        help="all: every campaign but fuzz, which needs its own build")
    parser.add_argument("--program",
                        default=os.environ.get("SPNODE", "spnode"),
                        help="path of spnode; the default is $SPNODE")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, help="budget, shared equally by the campaigns (or fuzzers)")
    parser.add_argument("--count", type=int, help="cases of each campaign; 20 where no budget is given")
    parser.add_argument("--case", type=int, help="only the case of this number")
    parser.add_argument("--ranks", default="1,2,3", help="numbers of ranks to choose from")
    parser.add_argument("--limit", type=float, default=60, help="seconds after which a run hangs")
    parser.add_argument("--keep", type=Path, help="folder for the files of findings; a temporary one is the default")
    parser.add_argument("--fuzzers", type=Path, help="fuzz: folder with the programs fuzz_*")
    options = parser.parse_args(arguments)
    options.ranks = [int(ranks) for ranks in options.ranks.split(",")]
    if options.minutes is None and options.count is None:
        options.count = 20
    return options


def main(arguments):
    options = parse(arguments)
    options.program = shutil.which(options.program) or sys.exit(f"{options.program}: no such program")
    folder = Path(tempfile.mkdtemp(prefix="spnode-faults-", dir=options.keep)).resolve()
    try:
        prepared = Prepared(Program(options.program, options.limit), folder / "prepared")
    except Finding as finding:
        sys.exit(f"what the campaigns start from cannot be made: {finding}")
    table = Table()
    if options.campaign == "fuzz":
        findings = fuzz(options, prepared, folder)
    else:
        names = list(CAMPAIGNS) if options.campaign == "all" else [options.campaign]
        for name in names:
            run_campaign(name, options, prepared, options.minutes and options.minutes / len(names), folder, table)
        table.print()
        findings = table.findings
    if not findings:
        shutil.rmtree(folder, ignore_errors=True)
    all_skipped = options.campaign != "fuzz" and not table.counts
    return 1 if findings else 77 if all_skipped else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
