"""Reports: the files of a run, and their formats (HTML, text, CI, Allure)."""
