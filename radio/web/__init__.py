"""The pages, streams and interfaces that browsers and players ask for."""
