"""Makes the station's own sound bank from arithmetic and seeds. Knows nothing about the station."""
