"""Before a run: the doctor's findings, the consent of the account's owner, quota and costs."""
