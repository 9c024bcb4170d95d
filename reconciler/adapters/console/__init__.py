"""The console: use cases as web pages, made on the server; they work without JavaScript, and live with it."""
