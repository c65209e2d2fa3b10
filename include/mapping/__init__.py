"""Which contract is this instrument at that broker, how do we know, and how much of the universe was found."""
