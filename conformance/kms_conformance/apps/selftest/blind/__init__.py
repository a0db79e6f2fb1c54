"""Faults and variants that were written blind: by an author who knew the vendors' documents, public bug reports and the
emulator, but neither the checks of the suite nor the other faults of the self-test.

Their first results are kept as they were (`first_look.json` of each set), because a later
result only shows that somebody looked.
"""
