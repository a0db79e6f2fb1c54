"""Clients as nobody in particular: what they find in the environment decides nothing, and they leave no trace."""

from __future__ import annotations

import logging
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from kms_conformance.apps.sdk.vendor_clients import clients
from kms_conformance.core import specs

# The variables that HTTP libraries under the clients take from the environment: proxies, files.
_READ = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "NETRC", "DEBUG")


@contextmanager
def as_nobody() -> Iterator[None]:
    """An environment without accounts, proxies and a home of one's own, and with every logger silent.

    A .netrc would replace a signature by a password, one client writes an id into the home, and another one sends
    whole requests, with what signs them, to its logger.
    """
    before = dict(os.environ)
    disabled = logging.root.manager.disable
    with tempfile.TemporaryDirectory() as home, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = (
            *_READ,
            *(prefix for each in specs.dialects() for client in clients(each) for prefix in client.environment),
        )
        for name in [name for name in os.environ if name.upper().startswith(read)]:
            del os.environ[name]
        os.environ |= {"HOME": home, "AWS_EC2_METADATA_DISABLED": "true"}
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(disabled)
            os.environ.clear()
            os.environ.update(before)
