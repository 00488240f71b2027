"""The application that people meet."""
