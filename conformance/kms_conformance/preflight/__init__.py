"""Before a run: diagnosis, the owner's consent, quota and costs."""
