"""Offline: corpora to trained models. Nothing here is needed to run the radio."""
