"""One module for each part of what is measured. Each has `measure(archive, small) -> dict`: what the results keep.

They run one after the other, each in a process of its own whose settings are those of the large archive.
"""
