"""Exit codes of every command. This is the only table; `docs/exit-codes.md` and the help of each command repeat it."""

from __future__ import annotations

from collections.abc import Mapping

# Codes that every command has: for a mistake of the user, for a fault of the suite, and for each signal that ends it.
_MISTAKE = "a mistake that you can repair; the message names it"
_FAULT = "the suite itself failed; the message says how to report it"
_ENDED = {129: "SIGHUP", 130: "Ctrl-C", 143: "SIGTERM"}
_ALWAYS = {2: _MISTAKE, 3: _FAULT} | _ENDED

_RUN = {
    0: "conformant; the verdict is on disk",
    1: "nonconformant; the verdict is on disk",
    2: f"{_MISTAKE} (also: waivers out of date)",
    3: "inconclusive: not all checks finished, no verdict was written, or a key is left",
    4: "nothing failed; open requirements wait for the date of a planted key",
}

#: Meaning of each exit code, by command.
CODES: Mapping[str, Mapping[int, str]] = {
    "run": _RUN | _ENDED,
    "merge": _RUN | _ENDED,
    "report": {0: "the run was conformant; with `--har`, written", 1: "the run was nonconformant"}
    | {2: f"{_MISTAKE} (also: waivers out of date)", 3: "the run was inconclusive"}
    | {4: "nothing failed in the run; open requirements waited for a planted key"}
    | _ENDED,
    "doctor": _ALWAYS | {0: "a run is possible", 3: "the target prevents a run; the message gives the reason"},
    "emulator": _ALWAYS
    | {0: "ended by Ctrl-C, SIGTERM or SIGHUP"}
    | {code: f"{signal} before it served" for code, signal in _ENDED.items()},
    "clock": _ALWAYS
    | {
        0: "the server ended with 0, or was ended by Ctrl-C, SIGTERM or SIGHUP",
        3: "the server ended with an error of its own; the message gives its code",
    }
    | {code: f"{signal} before the server was started" for code, signal in _ENDED.items()},
    "sweep": _ALWAYS
    | {
        0: "all keys are scheduled (with --dry-run: listed)",
        3: "the target could not be queried, or something is left",
    },
    "requirements": _ALWAYS | {0: "listed or written"},
    "waivers": _ALWAYS | {0: "written, or there was nothing to write"},
    "answers": _ALWAYS | {0: "listed or explained; what came decides nothing here"},
    "profiles": _ALWAYS | {0: "listed or compared"},
    "certify": _ALWAYS
    | {0: "sealed, or the key was created", 3: "not sealed: verification failed here, or the suite itself failed"},
    "verify": _ALWAYS
    | {
        0: "the file verifies",
        1: "the file does not verify: changed, or its exchanges lead to another result",
        3: "the file cannot be judged by this installation",
    },
    "replay": _ALWAYS
    | {
        0: "not seen again, and no key is left; with `--script`, written",
        1: "seen again, or the requirement is broken in another way",
    }
    | {3: "the failure could not be judged again, or a key is left"},
    "record": _ALWAYS | {0: "recorded", 3: "the target could not be queried"},
    "compare": _ALWAYS
    | {
        0: "runs: no regression; answers: no difference",
        1: "runs: a regression (with --strict: any change); answers: a difference",
    }
    | {3: "answers: one side could not be queried, or nothing was compared"},
    "board": _ALWAYS
    | {
        0: "the site is written, with refused files shown as such; `board check`: nothing is wrong",
        1: "`board check`: something is wrong or missing",
        3: "`board check`: the file cannot be judged by this installation, or the suite itself failed",
    },
    "selftest": _ALWAYS
    | {
        0: "the promised figures hold; with `--blind` or `--generated`, whatever was found",
        1: "a promised figure does not hold; with `--faults`, a run had another result than expected",
        130: "Ctrl-C before the first trial",
    },
}


def help_epilog(command: str) -> str:
    """The exit codes of a command, formatted for its help."""
    lines = "".join(f"\n  {code:>3}  {meaning}" for code, meaning in sorted(CODES[command].items()))
    return f"\b\nExit codes:{lines}"
