"""The engine: composes and plays music. Synchronous, deterministic; knows no asyncio, network or clock."""
