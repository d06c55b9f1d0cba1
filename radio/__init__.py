"""The radio: puts the engine on air. The only place where asyncio lives."""
