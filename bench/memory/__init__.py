"""The stores of the relay that keeps nothing: what the relay asks them for, and no more.

They keep the contracts of the ports among coroutines of one event loop. They hold the figures of a relay whose storage
costs next to nothing, beside which the durable one is measured; how they work does not change while figures are
compared.
"""
