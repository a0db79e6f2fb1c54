"""The vendors' own clients as drivers: the lifecycle through them, and whose fault it is where one stumbles."""
