// Bytes: see Documentation/DESIGN.md, section 2.
