"""`python -m kms_conformance` is `kms-conformance`."""

from kms_conformance.entry import main

main()
