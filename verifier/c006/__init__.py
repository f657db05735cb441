"""The live network's challenge c006, evaluated and audited on a CPU (docs/live-network.md).

Nothing here is consensus of this toolkit: it reproduces what another program does, as far as a CPU can.
"""
