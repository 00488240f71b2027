"""Tables, the two engines, and the transactions that keep them true."""
