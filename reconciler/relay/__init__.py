"""The relay core, sans-I/O: `Session.handle(event, now) -> commands`. Rules R1-R16 live here."""
