"""`python -m include.cli` is `polybroker`."""

from include.cli.app import main

main()
