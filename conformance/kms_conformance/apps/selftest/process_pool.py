"""Makes trials in several processes, so that each has a clean start and nothing waits."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed

from kms_conformance.apps.selftest.plan import Task
from kms_conformance.apps.selftest.runner import read_ahead
from kms_conformance.apps.selftest.trial import Trial


def run_tasks(tasks: Iterable[Task], processes: int) -> Iterator[Trial]:
    """Make the trials, `processes` at a time, and give each as it ends. One that breaks is a trial with a problem."""
    read_ahead()
    # Forked, so that what was read ahead is there; of processes without threads, which a fork would not survive.
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("fork")) as crew:
        try:
            for done in as_completed([crew.submit(_run, task) for task in tasks]):
                yield done.result()
        finally:
            crew.shutdown(cancel_futures=True)


def _run(task: Task) -> Trial:
    try:
        return task.run()
    except Exception as error:  # noqa: BLE001 - whatever breaks a trial is told of in its place
        return task.broken(error)
