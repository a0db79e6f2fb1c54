"""The checks, one file for each family, and fuzzing.

Run them with `pytest --pyargs kms_conformance.suite --target FILE`.
"""

from pathlib import Path

FOLDER = Path(__file__).resolve().parent
# Options for pytest, so that the caller's configuration cannot change a verdict.
CONFINED = (f"--config-file={FOLDER / 'pytest.ini'}", f"--rootdir={FOLDER}")
