"""What happens to an alert on its way to a channel: `judge` (does it still matter?), `deliver` (send, record), `lane` (when again?)."""
