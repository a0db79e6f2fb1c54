"""Board: a static site of implementations, families of requirements and releases, from reports and sealed files.

The words of this package:

- run: the results of one target by one run, with what stands behind them (its standing).
- card: a file in which the author of a result names product, release, vendor and contact.
- track: the releases of one product in one dialect, from the oldest to the newest.
- cell: the verdict on one requirement by one run; the site also sums the cells of a family.
"""
