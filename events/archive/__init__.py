"""The way in, the way out, and the proof."""
