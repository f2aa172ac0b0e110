"""`python -m lfrd` is `lfrd`."""

from lfrd.cli import main

main()
