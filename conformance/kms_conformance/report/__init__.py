"""Reports: files that are written from results and read back, and their formats (HTML, text, CI, Allure)."""
