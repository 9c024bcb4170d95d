"""`ocpp-broker` (PyPI) as its own server starts it, with all logging off.

python -m bench.broker CONFIG
"""

import logging
import sys

from ocpp_broker import server

if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    server.run_broker_server(sys.argv[1])
