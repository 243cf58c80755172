"""Tries to break every promise, for as long as it takes: `python -m tests.prove`; with SHORT=1 in some five minutes.

STEPS, ROUNDS, AT_ONCE, N (calls that are timed), EXAMPLES, SHARE (one malformed body in so many), MUTATIONS (of a receipt or
an export), ORDERS (in which lives are told), FORGERIES (of requests), STREAMS, KILLS (of workers), CRASHES (of bulk posting
and of its database), SPELLS (in which a provider is away), PACE_MINUTE_S (of a quota), AGENCY_PEOPLE and AGENCY_DAYS (of a
simulated agency), where they are set, override what is long and what is short; SEED plays other runs. Time is judged in the
long form only (TIMED). The short form leaves out what `make test` has just tried, and how a provider in trouble is treated,
which takes minutes of waiting.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from tests.browser import find_browser

LONG = {
    "STEPS": "10000",
    "ROUNDS": "500",
    "AT_ONCE": "200",
    "N": "2000",
    "TIMED": "1",
    "EXAMPLES": "100",
    "SHARE": "1",
    "MUTATIONS": "1000",
    "ORDERS": "10000",
    "FORGERIES": "100000",
    "STREAMS": "5000",
    "KILLS": "5000",
    "CRASHES": "50",
    "SPELLS": "10",
    "PACE_MINUTE_S": "60",
    "AGENCY_PEOPLE": "10000",
    "AGENCY_DAYS": "365",
}
SHORT = {
    "STEPS": "500",
    "ROUNDS": "10",
    "AT_ONCE": "40",
    "N": "100",
    "EXAMPLES": "5",
    "SHARE": "3",
    "ORDERS": "120",
    "FORGERIES": "1000",
    "STREAMS": "500",
    "KILLS": "40",
    "CRASHES": "5",
    "SPELLS": "1",
    "PACE_MINUTE_S": "10",
    "AGENCY_PEOPLE": "100",
    "AGENCY_DAYS": "60",
}
PROOFS = {
    "processes that are killed come back, and lose nothing": [
        *("-m", "long", "-n", "2", "--dist", "loadfile"),
        *("tests/local", "tests/story/test_dwi.py", "tests/workers"),
    ],
    "the companion is for everybody, and acts for whom it shows and once": ["-m", "long", "tests/companion"],
    "the database refuses, by SQL and in every role": ["tests/sql"],
    "every invariant after every step, whatever is done in whatever order": ["tests/merges/test_machine.py"],
    "of many at once, over two API processes, exactly one takes effect": ["tests/merges/test_races.py"],
    "of many guesses at once, over four API processes, at most three are looked at": [
        "tests/identity/test_code_races.py"
    ],
    "who tries codes or comes as an heir learns nothing of who is known": ["tests/identity/test_branch_enumeration.py"],
    "nobody learns from words or time who, which phone or which card exists": ["tests/identity/test_enumeration.py"],
    "fifty refreshes end in one chain, over two API processes": ["tests/identity/test_refresh.py"],
    "every operation answers as it is described, and no malformed body is taken": [
        "tests/contract/test_description.py",
        "tests/contract/test_malformed.py",
    ],
    "planted values are found in no log, no key, no push and no metric": ["tests/story/test_canaries.py"],
    "after a year of an agency both books agree, everybody holds, and each silent merge was found": [
        *("-rP", "--show-capture=stdout"),
        "tests/prove/agency_year.py",
    ],
    "events in any order and with any repetition make the same state and history": [
        *("-m", "long", "-n", "2", "-rP", "--show-capture=stdout"),
        "tests/prove/feed_orders.py",
    ],
    "requests that are forged, cut, replayed or signed by another apply nothing, and the feed never stumbles": [
        *("-m", "long", "-rP", "--show-capture=stdout"),
        "tests/prove/feed_forgeries.py",
    ],
    "an entry for each of thousands reaches all their streams, at one API process": [
        "tests/notifications/test_stream_of_many.py"
    ],
    "three worker processes stay below a provider's quota and near it, and send nothing before its Retry-After": [
        "tests/prove/pace.py"
    ],
    "a confirmation is of one plan, purpose, merge, device and moment": ["tests/merges/test_mutations.py"],
    "a provider of pushes in trouble holds up no other, loses nothing, and is back within half a minute": [
        "tests/workers/test_two_providers.py"
    ],
    "receipts and histories: every mutation is detected": [
        "tests/merges/test_receipt.py",
        "tests/history",
    ],
    "workers killed while they send, and frozen: nothing is lost, nothing seen twice": [
        *("-n", "2", "-rP", "--show-capture=stdout"),  # they wait more than they work; their figures are shown
        "tests/prove/kills.py",
    ],
    "bulk money whose poster or database is killed at any moment is posted once, to the rupiah": [
        *("-n", "0", "-m", "long", "-rP", "--show-capture=stdout"),
        "tests/prove/bulk_crash.py",
    ],
    "a provider that is away is asked little more than must be, not before its time, and loses nothing": [
        *("-n", "3", "-rP", "--show-capture=stdout"),
        "tests/prove/faults.py",
    ],
}


LONG_ONLY = {
    "a provider that is away is asked little more than must be, not before its time, and loses nothing",
    "of many guesses at once, over four API processes, at most three are looked at",
    "who tries codes or comes as an heir learns nothing of who is known",
    "nobody learns from words or time who, which phone or which card exists",
    "fifty refreshes end in one chain, over two API processes",
    "the database refuses, by SQL and in every role",
    "planted values are found in no log, no key, no push and no metric",
    "a confirmation is of one plan, purpose, merge, device and moment",
    "a provider of pushes in trouble holds up no other, loses nothing, and is back within half a minute",
    "receipts and histories: every mutation is detected",
}


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """0 when everything held."""
    short = bool(os.environ.get("SHORT"))
    sizes = SHORT if short else LONG
    environment = sizes | os.environ
    say(", ".join(f"{name}={environment[name]}" for name in sizes))
    failed = []
    for what, tests in PROOFS.items():
        if short and what in LONG_ONLY:
            continue
        began = time.monotonic()
        say(f"\n── {what}")
        command = [sys.executable, "-m", "pytest", "--show-capture=no", *tests]
        ended = subprocess.run(command, env=environment, check=False).returncode
        without_browser = ended == pytest.ExitCode.NO_TESTS_COLLECTED and find_browser() is None  # the tests said so
        if ended and not without_browser:
            failed.append(what)
        say(f"   {time.monotonic() - began:.0f} s")
    say("\n" + ("NOT proven: " + "; ".join(failed) if failed else "Everything held."))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
