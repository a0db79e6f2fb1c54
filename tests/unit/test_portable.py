"""Nothing that only POSIX systems have is needed to import the suite: each module is imported where that is missing."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import kms_conformance
from kms_conformance.apps import sdk
from kms_conformance.apps.sdk.vendor_clients import clients
from kms_conformance.core import specs

MISSING = ("fcntl", "resource", "pwd", "grp", "termios", "tty", "posix_ipc", "syslog")
GUARDED = f"""
import importlib, importlib.abc, os, pkgutil, signal, sys

class Guard(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name in {MISSING!r}:
            raise ImportError(f"{{name}} is not there")

for name in {MISSING!r}:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Guard())
for name in ("fork", "getuid", "geteuid", "killpg", "setsid", "uname", "pread", "fchmod"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGHUP", "SIGKILL", "SIGUSR1", "SIGALRM", "setitimer", "alarm", "pthread_sigmask"):
    if hasattr(signal, name):
        delattr(signal, name)
failed = []
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except Exception as error:
        failed.append(f"{{name}}: {{type(error).__name__}}: {{error}}")
print("\\n".join(failed))
"""


# They import the clients of vendors, which go by what this machine is, not by what is there.
ADAPTERS = {
    f"{sdk.__name__}{client.driver.partition(':')[0]}" for dialect in specs.dialects() for client in clients(dialect)
}


def modules() -> list[str]:
    found = [module.name for module in pkgutil.walk_packages(kms_conformance.__path__, "kms_conformance.")]
    return [name for name in found if not name.endswith("__main__") and name not in ADAPTERS]


def test_every_module_is_imported_without_what_only_posix_has() -> None:
    done = subprocess.run(
        [sys.executable, "-c", GUARDED, *modules()], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
