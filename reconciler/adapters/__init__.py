"""The world, one thing a module: files, SQL, WebSocket legs, admin API, clock, metrics. None knows another."""
