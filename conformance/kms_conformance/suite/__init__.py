"""The checks, one file a family; `pytest --pyargs kms_conformance.suite --target FILE` runs them."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parent
# Options for pytest, so that the caller's configuration cannot change a verdict.
CONFINED = (f"--config-file={FOLDER / 'pytest.ini'}", f"--rootdir={FOLDER}")
