"""The program of reproducing scripts: sends the steps of a plan, compares the replies, and gives the keys back.

It is copied into the script behind its plan, so it uses only the standard library, `normal` and `signing`.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import secrets
import signal
import ssl
import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote, urlsplit

from kms_conformance.apps.replay.script.normal import differences, normal_reply, parsed
from kms_conformance.apps.replay.script.signing import Headers, Signed

# Exit codes: the same answer as in the run, another answer, a mistake of the user, no judgement.
AGAIN, OTHERWISE, MISTAKE, UNCLEAR = 1, 0, 2, 3
# Statuses that say nothing about the request: credentials refused, throttled, out of order.
NOT_SERVED = frozenset({401, 403, 429, 500, 502, 503, 504})
# The name of steps that move the clock of the target.
CLOCK_MOVE = "move the clock"
# The place of a value that is sought at any depth: this mark, then the name of the member.
ANYWHERE = "**"
_VARIABLE = re.compile(r"\{\{(\w+)(?:\|(\w+))?\}\}")


class Unclear(Exception):  # noqa: N818 - an outcome, not an error
    """A step before the failure went otherwise than in the run, so that nothing can be said."""


def say(text: str) -> None:
    """Print a text, with control characters escaped: it may come from the endpoint."""
    print("".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text), flush=True)


def with_other_digit(name: str) -> str:
    """The name with another last letter or digit; a hexadecimal digit stays one."""
    digits = "0123456789abcdef"
    was = name[-1:].lower()
    return name[:-1] + (digits[(digits.index(was) + 1) % 16] if was and was in digits else "0")


def at_path(value: Any, path: list[Any]) -> Any:
    """The value at a place of a JSON value; None if there is none."""
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def member(value: Any, name: str) -> Any:
    """The first member with this name, at any depth; None if there is none."""
    if isinstance(value, dict) and name in value:
        return value[name]
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((found for child in children if (found := member(child, name)) is not None), None)


class Reproduction:
    """One reproduction of a failure.

    `plan` is the content of the script: settings, steps, and the replies of the run. `sign` is the signer.
    """

    def __init__(self, plan: dict[str, Any], sign: Callable[..., Signed]) -> None:
        self.plan = plan
        self.sign = sign
        self.base = (sys.argv[1] if len(sys.argv) > 1 else plan["base_url"]).rstrip("/")
        self.auth: dict[str, str] = {}
        self.values: dict[str, str] = {name: secrets.token_hex(size // 2) for name, size in plan["fresh"].items()}
        self.made: list[str] = []
        self.seen: set[str] = set()
        self.moved = 0.0

    def main(self) -> int:
        """Run the script; returns its exit code."""
        missing = [name for name in self.plan["environment"] if not os.environ.get(name)]
        if missing:
            say(f"Set these environment variables first: {', '.join(missing)}.")
            return MISTAKE
        self.auth = {name: self.filled(value) for name, value in self.plan["auth"].items()}
        # Ctrl-C and SIGTERM end the steps, and the keys are given back.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        say(f"{self.plan['requirement']}: {self.plan['statement']}")
        say(f"at {self.base}")
        code = UNCLEAR
        try:
            self.sign_in()
            self.read_clock()
            code = self.steps()
        except Unclear as error:
            say(f"? Could not be judged: {error}")
        except KeyboardInterrupt:
            say("? Interrupted.")
        finally:
            # From here on, a second Ctrl-C must not leave a key behind.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            if not self.give_back() and code == OTHERWISE:
                code = UNCLEAR
        return code

    def steps(self) -> int:
        """Send all steps; returns the exit code of the comparison."""
        found: list[str] = []
        others: list[str] = []
        unserved = False
        for number, step in enumerate(self.plan["steps"], 1):
            status, headers, body, at = self.send(step)
            answer = "no reply" if status is None else str(status)
            say(f"{number:3}. {step['name']} -> {answer}")
            if "reply" in step:
                say(f"     received now: {answer} {body.decode('utf-8', 'replace')[:600]}")
            # Before the comparison, which must know the id of a new key in the reply to its creation.
            self.keep(step, status, body)
            if "reply" in step:
                now = {"status": None} if status is None else self.normal(status, headers, body, at)
                found += differences(step["reply"], now)
            elif step.get("status", status) != status:
                others.append(f"{step['name']} (step {number}): {step['status']} in the run, {answer} now")
                unserved = unserved or status is None or status in NOT_SERVED
        say(f"expected             {self.plan['expected']}")
        say(f"received in the run  {self.plan['received']}")
        for line in [*others, *found][:10]:
            say(f"  {line}")
        if unserved or (others and not found):
            raise Unclear("steps before the failure were answered otherwise than in the run.")
        if found:
            say("Not seen again: the replies differ from those of the run.")
            return OTHERWISE
        say("SEEN AGAIN: the same replies as in the run.")
        return AGAIN

    def keep(self, step: dict[str, Any], status: int | None, body: bytes) -> None:
        """Keep the values of a reply that later steps need, and the ids of new keys."""
        accepted = status is not None and status < 400
        value = parsed(body.decode("utf-8", "replace"), "") if accepted else None
        for name, path in step.get("takes", {}).items():
            taken = member(value, path[1]) if path[0] == ANYWHERE else at_path(value, path)
            if not isinstance(taken, str):
                lost = f" A key may have been created by {self.filled(step['url'] + step['body'])}."
                place = ".".join(map(str, path))
                raise Unclear(f"the reply to {step['name']} has no {place}.{lost if name.startswith('key_') else ''}")
            self.values[name] = taken
            if name.startswith("key_"):
                self.made.append(taken)
        if step.get("must_succeed") and not accepted:
            raise Unclear(f"{step['name']}, which prepares the key, was answered with {status}: {body[:300]!r}.")

    def normal(self, status: int, headers: Headers, body: bytes, at: float) -> dict[str, Any]:
        """The normal form of a reply to this script."""
        known = {value: name for name, value in self.values.items()}
        return normal_reply(status, headers, body, known, at, self.seen)

    # --- requests -----------------------------------------------------------------------------------------------------

    def filled(self, text: str) -> str:
        """The text with the values of its variables."""
        return _VARIABLE.sub(lambda found: self.value(found[1], found[2]), text)

    def value(self, name: str, form: str | None) -> str:
        """The value of a variable in this form; an unknown variable is one of the environment."""
        if name in ("base", "project"):
            return {"base": self.base, "project": self.auth.get("project_id", "")}[name]
        value = self.values[name] if name in self.values else os.environ[name]
        if form == "quoted":
            return quote(value, safe="~")
        changed = {
            "upper": value.upper(),
            "short": value[:-1],
            "bare": value.replace("-", ""),
            "encoded": value.replace("-", "%2D"),
            "other": with_other_digit(value),
        }
        return value if form is None else changed[form]

    def send(self, step: dict[str, Any]) -> tuple[int | None, Headers, bytes, float]:
        """Send a step; returns status (None: no reply), headers, body, and the time by the target's clock."""
        url = self.filled(step["url"])
        headers = [(name, self.filled(value)) for name, value in step["headers"]]
        body = self.filled(step["body"]).encode(step.get("encoding", "utf-8"))
        if step["signed"]:
            now = datetime.now(timezone.utc)
            url, headers = self.sign(step["method"], url, headers, body, self.auth, now, secrets.token_hex(16))
        time.sleep(self.plan["pause"])
        at = time.time() + self.moved
        status, got, data = self.exchange(step["method"], url, headers, body)
        if step["name"] == CLOCK_MOVE and status is not None:
            self.note_clock(data)
        return status, got, data, at

    def exchange(self, method: str, url: str, headers: Headers, body: bytes) -> tuple[int | None, Headers, bytes]:
        """One HTTP request over a connection of its own, sent as it is written."""
        parts = urlsplit(url)
        connection = (
            http.client.HTTPSConnection(
                parts.netloc, timeout=self.plan["timeout"], context=ssl.create_default_context()
            )
            if parts.scheme == "https"
            else http.client.HTTPConnection(parts.netloc, timeout=self.plan["timeout"])
        )
        try:
            target = url[len(f"{parts.scheme}://{parts.netloc}") :] or "/"
            connection.putrequest(method, target, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value.encode("latin-1", "replace"))
            if body or method not in ("GET", "HEAD"):
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None)
            reply = connection.getresponse()
            return reply.status, list(reply.getheaders()), reply.read()
        except (OSError, http.client.HTTPException) as error:
            say(f"     no reply: {error!r}")
            return None, [], b""
        finally:
            connection.close()

    def sign_in(self) -> None:
        """Fetch a token, where the way to sign in has a password. Raises `Unclear` if this fails."""
        if "password" not in self.auth:
            return
        auth, url = self.auth, f"{self.auth['iam_url'].rstrip('/')}/v3/auth/tokens"
        user = {"name": auth["username"], "password": auth["password"], "domain": {"name": auth["domain"]}}
        scope = {"project": {"name": auth["project"], "domain": {"name": auth["domain"]}}}
        asked = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
        status, headers, body = self.exchange(
            "POST", url, [("Content-Type", "application/json")], json.dumps(asked).encode()
        )
        if status != 201:
            raise Unclear(f"the identity service answered with {status}: no token.")
        auth["token"] = next(value for name, value in headers if name.lower() == "x-subject-token")
        auth["project_id"] = json.loads(body)["token"]["project"]["id"]

    # --- the clock of the target --------------------------------------------------------------------------------------

    def read_clock(self) -> None:
        """Learn how far the clock of the target was moved before, where it can be moved."""
        if self.plan["clock"] is not None:
            _, _, body = self.exchange(
                "POST",
                self.filled(self.plan["clock"]),
                [("Content-Type", "application/json")],
                b'{"advance_seconds": 0}',
            )
            self.note_clock(body)

    def note_clock(self, body: bytes) -> None:
        """Note the time that the clock shows."""
        try:
            shown = datetime.fromisoformat(json.loads(body)["now"].replace("Z", "+00:00"))
        except (ValueError, KeyError, TypeError):
            return
        self.moved = shown.timestamp() - time.time()

    # --- the end ------------------------------------------------------------------------------------------------------

    def give_back(self) -> bool:
        """Schedule every key of this script for deletion; returns whether all are scheduled or gone."""
        everything = True
        for key in self.made:
            self.values["made"] = key
            done = False
            for step in self.plan["give_back"]:
                if done:
                    break
                try:
                    status, _, body, _ = self.send(step)
                except Exception as error:  # noqa: BLE001 - the next step and the next key must be tried
                    say(f"     {error!r}")
                    continue
                if step["name"] == "read the key" and (status or 500) < 500:
                    done = bool(re.search(self.plan["pending"], body.decode("utf-8", "replace"), re.IGNORECASE))
            say(
                f"{'key' if done else '! KEY LEFT: the key'} {key} {'is' if done else 'is NOT'} scheduled for deletion."
            )
            everything = everything and done
        return everything
