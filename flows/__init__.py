"""What runs when. The only package that knows Prefect; its parameters are names and times, its results counts."""

import os

# Before Prefect is imported: an agency's hub reports to nobody.
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("PREFECT_LOGGING_TO_API_ENABLED", "false")
# Where no server runs Prefect starts one, and on a busy machine that takes longer than the twenty seconds it allows.
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180")

from flows.quiet import quiet

quiet()
