"""Results, configuration and report of Allure."""
