"""The editor server: an adapter of `check`, `format` and the schema to what editors ask.

`names` makes one index of every word of a spec that means something; hover, definition, references, rename
and colours read it. `context` says where a cursor stands in a text that may be broken; completion reads that.
Those are pure functions from a text and an offset to a value. Only `server` and `wire` know the protocol.
"""
