"""Speed, as ratios within one run: absolute times move with the machine. Knows nothing about the network."""
