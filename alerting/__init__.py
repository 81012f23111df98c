"""From the topic `alerts` to people: what to say, to whom, over which channel, and the memory of what was said."""
