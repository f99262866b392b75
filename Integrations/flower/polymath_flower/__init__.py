"""Polymath's adapters in Flower: the payload is the bytes of the wire file, and nothing else travels."""
