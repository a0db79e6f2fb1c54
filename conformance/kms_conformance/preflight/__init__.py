"""Before anything is created at a target: the doctor, consent, and advice on cost."""
