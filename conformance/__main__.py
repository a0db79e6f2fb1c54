"""`python -m conformance` is `kms-conformance`."""

from conformance.cli import main

main()
