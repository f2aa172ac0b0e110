"""What `lfrd` can be told: a module for each group of commands, and what they share."""
