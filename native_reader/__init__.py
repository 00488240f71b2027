"""Photos and videos in, licence plates out: `native_reader.choice.best_engine` is the door.

Importing this package, or `native_reader.engine`, loads neither OpenCV nor onnxruntime.
"""
