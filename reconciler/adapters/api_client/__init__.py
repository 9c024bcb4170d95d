"""The admin API as the command line asks it: one connection, a method for each call, the server's own errors."""

from reconciler.adapters.api_client.client import ApiClient, Json

__all__ = ["ApiClient", "Json"]
