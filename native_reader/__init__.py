"""Photos and videos in, licence plates out: `native_reader.choice.best_engine` is the door.

Importing this package, or `native_reader.engine`, loads neither OpenCV nor onnxruntime.
"""

import os

# Before onnxruntime is imported, which otherwise keeps a device id and reports to its maker.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
