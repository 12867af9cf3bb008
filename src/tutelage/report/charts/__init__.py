"""Charts drawn as inline SVG, without any library."""
