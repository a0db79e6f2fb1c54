"""`python -m conformance` is `kms-conformance`."""

from kms_conformance.entry import main

main()
