"""What shows that retention is kept: ages, the calendar, reconciliation, canaries at vendors, the hand-over."""
