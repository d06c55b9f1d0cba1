"""The outputs at the edge of the station: each may fail without the others noticing."""
