"""Before anything is created: the doctor, the owner's consent, advice on cost."""
