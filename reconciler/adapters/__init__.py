"""The world, one thing a module: files, SQL, WebSocket legs, TLS, admin API, clock, metrics. They do not know each other."""
