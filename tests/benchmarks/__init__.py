"""The benchmark: `make bench`. Not part of the test suite; docs/benchmarks.md holds what it last found.

Everything is measured side by side in one run, in rounds (A, B, A, B, ...), because machines are shared and drift:
ratios are the result, milliseconds only their illustration.

    config      what is asked for, and where archives and results are kept
    vocabulary, generator, fill     the events, and the archive made of them through the product's own ways
    internals   the only module that knows table names and other things inside the product
    partner     child processes that answer requests and time them; two archives are compared through two of them
    stock       the pages that ours is compared with; peers/ the packages
    sections/   one module for each part of what is measured
    figures, results, targets, report       medians, the kept JSON, the issue's targets, docs/benchmarks.md
"""
