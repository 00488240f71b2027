"""Questions about how cars move: where a plate went, with whom, who was at several scenes, and when it usually goes."""
