"""Which policy is in force, over whose reads, and when each of them must be gone by it."""
