"""Paper trading in process: the quotes of another broker, fills of the simulation, an account in the database."""
