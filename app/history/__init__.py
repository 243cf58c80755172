"""A participant's whole history in hand: the export, and the signed roots over everybody's heads."""
