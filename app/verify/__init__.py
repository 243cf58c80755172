"""The independent verifier: checks receipts, exports and roots offline. It shares no code with what writes them.

It imports the standard library and `cryptography`, and nothing of the product: an import contract says so. It is strict
where others are lenient: docs/receipts.md lists what a lenient verifier would let pass.
"""
