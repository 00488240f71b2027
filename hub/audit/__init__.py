"""The record of who did what, why, and what came of it. Durable before anything leaves."""
