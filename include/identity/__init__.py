"""Which numbers (ISIN, FIGI, CUSIP) a symbol on a market stands for, out of the user's own table and OpenFIGI."""
