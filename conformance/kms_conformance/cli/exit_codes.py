"""What every command exits with: the one table, which `docs/exit-codes.md` and each command's help repeat."""

from __future__ import annotations

from collections.abc import Mapping

# Of every command: what a user can mend, what this command could not judge or do, and the signals that end it.
_MISTAKE = "something that you can mend; the message says what"
_FAULT = "the suite itself failed; the message says how to report it"
_ENDED = {129: "SIGHUP", 130: "Ctrl-C", 143: "SIGTERM"}
_ALWAYS = {2: _MISTAKE, 3: _FAULT} | _ENDED

_RUN = {
    0: "conformant, by the verdict on disk",
    1: "nonconformant, by the verdict on disk",
    2: f"{_MISTAKE} (also: waivers out of date)",
    3: "inconclusive: not judged to the end, or not written; or a key is left",
    4: "nothing is wrong; what is open waits for the date of a planted key",
}

#: By command, what each exit code says.
CODES: Mapping[str, Mapping[int, str]] = {
    "run": _RUN | _ENDED,
    "merge": _RUN | _ENDED,
    "report": {code: f"the run was {word}" for code, word in ((0, "conformant"), (1, "nonconformant"))}
    | {2: f"{_MISTAKE} (also: waivers out of date)", 3: "the run was inconclusive"}
    | {4: "the run was not wrong, and waited for a planted key"}
    | _ENDED,
    "doctor": _ALWAYS | {0: "a run can be made", 3: "something at the target stands in the way of a run"},
    "emulator": _ALWAYS | {0: "it was ended by Ctrl-C", 130: "Ctrl-C, before it served"},
    "sweep": _ALWAYS | {0: "done; with --dry-run, told", 3: "the target could not be asked, or a key is left"},
    "requirements": _ALWAYS | {0: "listed, or written"},
    "certify": _ALWAYS
    | {0: "sealed, or the key was made", 3: "not sealed: it does not verify here, or the suite itself failed"},
    "verify": _ALWAYS
    | {0: "it holds", 1: "it does not hold: changed, or not what its exchanges say", 3: "it cannot be told here"},
    "replay": _ALWAYS
    | {0: "not seen again, and no key is left", 1: "seen again, or the requirement is broken in another way"}
    | {3: "it could not be judged again, or a key is left"},
    "record": _ALWAYS | {0: "recorded", 3: "the target could not be asked"},
    "compare": _ALWAYS
    | {
        0: "nothing regressed; of answers: no difference",
        1: "something regressed; of answers, or with --strict: differs",
    }
    | {3: "of answers: one side could not be asked, or nothing was compared"},
    "selftest": _ALWAYS | {0: "the promised figures hold", 1: "they do not", 130: "Ctrl-C, before the first trial"},
}


def told(command: str) -> str:
    """The codes of a command in a few lines, for its help."""
    lines = "".join(f"\n  {code:>3}  {meaning}" for code, meaning in sorted(CODES[command].items()))
    return f"\b\nExit codes:{lines}"
