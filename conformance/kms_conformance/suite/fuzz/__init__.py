"""Generated requests: along each operation's description, along the links between operations, and beside both."""
