"""`python -m kms_conformance` is `kms-conformance`, also beside a folder `conformance`."""

from kms_conformance.entry import main

main()
