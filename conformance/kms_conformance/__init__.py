"""Does this endpoint really delete, and really spare, the keys it was told to?"""

__version__ = "0.1.0"
