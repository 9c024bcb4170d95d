"""The admin API: use cases over HTTP, JSON in and out; the contract is `app/api_contract.py` and `schema.py`."""
